"""Linear and integer programs, solved by HiGHS in silence on one thread, so that the same gives the same answer."""

from __future__ import annotations

import atexit
import signal
import tempfile
import threading
import time
import weakref
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TypeAlias

import highspy
import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csc_array

Numbers: TypeAlias = NDArray[np.float64]
Labels: TypeAlias = NDArray[np.int64]
Flags: TypeAlias = NDArray[np.bool_]

SOLVER = f"HiGHS {version('highspy')}"
"""The solver, as results name it."""

_FEASIBLE = int(highspy.SolutionStatus.kSolutionStatusFeasible)
_OPTIMAL = highspy.HighsModelStatus.kOptimal
_INFEASIBLE = (highspy.HighsModelStatus.kInfeasible, highspy.HighsModelStatus.kUnboundedOrInfeasible)
_INTERRUPTS = (
    highspy.cb.HighsCallbackType.kCallbackMipInterrupt,
    highspy.cb.HighsCallbackType.kCallbackSimplexInterrupt,
)


@dataclass(frozen=True, eq=False)
class Program:
    """Minimize ``cost @ x`` with ``row_low <= matrix @ x <= row_high`` and ``low <= x <= high``.

    There are n variables and m rows; limits are infinite where there is none.
    """

    cost: Numbers
    matrix: csc_array  # Shape (m, n)
    row_low: Numbers
    row_high: Numbers
    low: Numbers
    high: Numbers
    is_integer: Flags | None = None  # Which variables are whole numbers, shape (n,); None for none


@dataclass(frozen=True, eq=False)
class Solution:
    """What the solver found."""

    is_optimal: bool  # Whether it is proven to be the best
    is_infeasible: bool  # Whether there is proven to be none
    value: float  # Value of the best solution; infinite where none was found
    bound: float  # No solution has a smaller value; infinite where there is none
    x: Numbers | None  # The best solution; None where none was found
    row_dual: Numbers  # Duals of the rows of a linear program
    log: str = ""  # What the solver said of an integer program, if it was asked for


class _QuietHighs(highspy.Highs):
    """HiGHS that calls nobody back: as it gets ready to, it prints a banner on standard output."""

    def enableCallbacks(self) -> None:  # noqa: N802 - highspy's name
        self.callbacks = []
        self.interrupts: list[object] = []

    def run(self) -> highspy.HighsStatus:
        """Let Ctrl-C end the run: what a callback raises, HiGHS takes for an error of its own and goes on."""
        if signal.getsignal(signal.SIGINT) is not signal.default_int_handler or not _is_main_thread():
            return super().run()
        interrupts = self.interrupts
        signal.signal(signal.SIGINT, lambda *_: interrupts.append(None))
        try:
            status = super().run()
        finally:
            signal.signal(signal.SIGINT, signal.default_int_handler)
        if interrupts:
            raise KeyboardInterrupt
        return status


def _is_main_thread() -> bool:
    return threading.current_thread() is threading.main_thread()


_LOOK_S, _PATIENCE_S, _EXIT_S = 0.1, 0.3, 10.0
_left_behind: list[threading.Event] = []


def _run_beside(highs: highspy.Highs) -> None:
    """Solve in a thread of its own: a search for whole numbers may ask nobody for seconds, and Ctrl-C is heard at once.

    The solver is told to end as soon as it asks, and is left behind if that takes long.
    """
    # Not the thread is waited for: an interrupted join takes it for ended.
    is_done = threading.Event()

    def work() -> None:
        try:
            highs.run()
        finally:
            is_done.set()

    threading.Thread(target=work, daemon=True).start()
    try:
        while not is_done.wait(_LOOK_S):
            pass
    except KeyboardInterrupt:
        getattr(highs, "interrupts", []).append(None)
        if not is_done.wait(_PATIENCE_S):
            _left_behind.append(is_done)
            # An interpreter that ends under it would break it off in the middle of a call.
            atexit.register(is_done.wait, _EXIT_S)
        raise


def is_left_behind() -> bool:
    """Whether an interrupted solver has not noticed yet that nobody waits for it any more."""
    return not all(is_done.is_set() for is_done in _left_behind)


def quiet_highs(*, seed: int = 0, is_precise: bool = False) -> highspy.Highs:
    """Make an empty model; on one thread, the same input and seed give the same answer."""
    highs = _QuietHighs()  # type: ignore[no-untyped-call]
    options: dict[str, bool | float | str] = {
        "output_flag": False,
        "threads": 1,
        "parallel": "off",
        "random_seed": seed,
    }
    if is_precise:
        options |= {"mip_abs_gap": 1e-6, "primal_feasibility_tolerance": 1e-9, "mip_feasibility_tolerance": 1e-9}
    for name, value in options.items():
        highs.setOptionValue(name, value)
    return highs


class _Pace:
    """How many seconds pass while this process keeps a processor busy for one: what others leave of the machine."""

    _LATELY_S = 5.0

    def __init__(self) -> None:
        # A guess that counts for little as soon as there is something to go by.
        self._passed, self._busy = 0.3, 0.2

    def learn(self, passed_s: float, busy_s: float) -> None:
        """Take in how long the solver has been at it."""
        self._passed, self._busy = self._passed + passed_s, self._busy + busy_s
        if self._busy > self._LATELY_S:
            self._passed, self._busy = self._passed / 2, self._busy / 2

    def __float__(self) -> float:
        """Give the pace of late."""
        return max(1.0, self._passed / self._busy)


_PACE = _Pace()
_MARGIN, _SPARE_S = 1.1, 0.5
_FIRST_MARGIN, _FIRST_SPARE_S = 2.0, 5.0
"""Before the solver asks for the first time, nothing is known yet."""


def stop_after(highs: highspy.Highs, processor_s: float) -> None:
    """Have the solver ask now and then whether this process has kept processors busy for long enough.

    Much of a search for whole numbers never asks: linear programs, and searches within the search, which can take
    minutes. These know a limit by the clock alone. It is set anew whenever the solver asks, to what is left at the pace
    of the machine; a run in which it strikes is over.
    """
    seen_s, busy_s = time.perf_counter(), time.process_time()
    until = busy_s + processor_s
    interrupts = getattr(highs, "interrupts", [])
    clock_s = highs.getRunTime() + _FIRST_MARGIN * float(_PACE) * processor_s + _FIRST_SPARE_S
    # What is called back must not keep the model alive, which holds on to it.
    model = weakref.ref(highs)

    def ask(_kind: object, _message: str, _said: object, answer: highspy.cb.HighsCallbackInput, _data: object) -> None:
        nonlocal seen_s, busy_s, clock_s
        asking = model()
        if asking is None:
            return
        now_s, now_busy_s = time.perf_counter(), time.process_time()
        _PACE.learn(now_s - seen_s, now_busy_s - busy_s)
        seen_s, busy_s, run_s = now_s, now_busy_s, asking.getRunTime()
        answer.user_interrupt = bool(interrupts) or busy_s >= until or run_s >= clock_s
        clock_s = run_s + _MARGIN * float(_PACE) * max(until - busy_s, 0.0) + _SPARE_S
        asking.setOptionValue("time_limit", clock_s)

    highs.setOptionValue("time_limit", clock_s)
    highs.setCallback(ask, None)
    for kind in _INTERRUPTS:
        highs.startCallback(kind)


def model_of(program: Program) -> highspy.HighsLp:
    """Put a program into the form of HiGHS, for models that are changed between runs."""
    lp = highspy.HighsLp()
    matrix = program.matrix.tocsc()
    lp.num_row_, lp.num_col_ = matrix.shape
    lp.col_cost_, lp.col_lower_, lp.col_upper_ = program.cost, program.low, program.high
    lp.row_lower_, lp.row_upper_ = program.row_low, program.row_high
    lp.a_matrix_.format_ = highspy.MatrixFormat.kColwise
    lp.a_matrix_.start_, lp.a_matrix_.index_, lp.a_matrix_.value_ = matrix.indptr, matrix.indices, matrix.data
    if program.is_integer is not None:
        kinds = (highspy.HighsVarType.kContinuous, highspy.HighsVarType.kInteger)
        lp.integrality_ = [kinds[int(is_whole)] for is_whole in program.is_integer]
    return lp


def solve(
    program: Program,
    *,
    start: Numbers | None = None,
    enough: float = -np.inf,
    processor_limit_s: float = np.inf,
    node_limit: int | None = None,
    seed: int = 0,
    gap: float = 0.0,
    wants_log: bool = False,
) -> Solution:
    """Solve a program: the best solution and the bound, also where time ran out.

    `start` is a solution that is known, `enough` a value at which the solver may stop, proven or not, and `gap` the
    relative gap at which it may. `processor_limit_s` is how long this process may keep processors busy, however busy
    others keep the machine; `node_limit`, the most nodes of the search, is the same on every machine.
    """
    highs = quiet_highs(seed=seed)
    options: dict[str, float | bool | str] = {"mip_rel_gap": gap, "mip_abs_gap": 1e-9}
    options |= {"mip_feasibility_tolerance": 1e-7, "primal_feasibility_tolerance": 1e-8}
    if np.isfinite(enough):
        options["objective_target"] = enough
    if node_limit is not None:
        options["mip_max_nodes"] = node_limit
    for name, value in options.items():
        highs.setOptionValue(name, value)
    highs.passModel(model_of(program))
    if np.isfinite(processor_limit_s) or program.is_integer is not None:
        stop_after(highs, processor_limit_s)
    if start is not None:
        known = highspy.HighsSolution()
        known.col_value = start
        highs.setSolution(known)
    log = _run_logged(highs) if wants_log else ""
    if not wants_log:
        _run_beside(highs)
    return _read(highs, program, log)


def least_of(highs: highspy.Highs) -> float:
    """Give the least of a continuous model that was run: infinite where it has no solution, NaN without an answer."""
    status = highs.getModelStatus()
    if status in _INFEASIBLE:
        return np.inf
    return float(highs.getInfo().objective_function_value) if status == _OPTIMAL else np.nan


def _run_logged(highs: highspy.Highs) -> str:
    """Solve, and return what the solver says: it only writes it to a file."""
    # A solver that was left behind still writes to it.
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        file = Path(folder) / "log.txt"
        log: dict[str, bool | str] = {"output_flag": True, "log_to_console": False, "log_file": str(file)}
        for name, value in log.items():
            highs.setOptionValue(name, value)
        _run_beside(highs)
        return file.read_text(encoding="utf-8") if file.exists() else ""


def _read(highs: highspy.Highs, program: Program, log: str) -> Solution:
    status, info, found = highs.getModelStatus(), highs.getInfo(), highs.getSolution()
    is_infeasible = status in _INFEASIBLE
    has_plan = int(info.primal_solution_status) == _FEASIBLE and not is_infeasible
    value = float(info.objective_function_value) if has_plan else np.inf
    if is_infeasible:
        bound = np.inf
    elif program.is_integer is not None:
        bound = float(info.mip_dual_bound) if info.valid else -np.inf
    else:
        bound = value if status == _OPTIMAL else -np.inf
    return Solution(
        is_optimal=status == _OPTIMAL,
        is_infeasible=is_infeasible,
        value=value,
        bound=bound,
        x=np.asarray(found.col_value, dtype="float64") if has_plan else None,
        row_dual=np.asarray(found.row_dual, dtype="float64"),
        log=log,
    )
