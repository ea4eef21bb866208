# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#       format_version: '1.3'
#       jupytext_version: 1.19.6
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 7. What can the board be shown, and what would it give away?
#
# A packet for the board is read by everybody, for ever, beside every other packet. No count from 1 to 10 may be in it,
# no figure that is one school's alone, and none of these may be worked out from what is published. So figures are withheld, as few as
# protect those; then the packet is attacked with all that is published, before it goes out.
#
# Results are those of the last run; where there is none of today's files, the term is run first, which takes a minute or more.
# Set the district folder and the term in the next cell. Left as they are: the **synthetic** demo district and its last term.
# **What this notebook shows before the packet is confidential** when the district is a real one.

# %% tags=["parameters"]
district_folder = None
term_name = None

# %%
import pandas as pd

import safeschools_geo as ssg

# %%
result = ssg.load_term(district_folder or ssg.demo_folder(), term_name, runs=True).result(protects=True)
board = result.board
print(board.summary())

# %% [markdown]
# ## Why is it not enough to withhold the small counts?
#
# A table small enough to see through, made up for this: three zones, three kinds of call. Only the counts from 1 to 10 are withheld. The
# totals give them away at once.

# %%
calls = {"assault": [5, 20, 30], "weapons": [15, 25, 22], "welfare": [30, 40, 33]}
table = pd.DataFrame(calls, index=pd.Index(["A", "B", "C"], name="zone")).rename_axis(columns="kind")
naive = ssg.withhold(table, [{"zone": "A", "kind": "assault"}])
ssg.audit(naive).to_frame()

# %% [markdown]
# Withholding the fewest others that protect it, by integer programming: the count of five can now be anything from 0 to 20 for all that
# anybody knows.

# %%
safe = ssg.protect(table, "default")
safe.to_wide("zone", "kind")

# %%
ssg.audit(safe).to_frame()

# %% [markdown]
# **Read it so:** `low` and `high` are how small and how large a withheld figure can be for somebody who knows everything published. A
# small count is safe if that reaches from 1 to 10.
#
# ## Which tables say something?
#
# The adviser protects each table on offer by itself, and says how much of it would be withheld. That is for the manager alone: it would
# narrow down what is withheld. The packet takes the finest of which less
# than a fifth is. Tables by school are shown for comparison; the packet only has one if `[board] by_school` asks for it, since numbers
# beside names of schools get ranked.

# %%
board.to_frame()

# %% [markdown]
# ## What is reported, and what is withheld?

# %%
board.table("zone")

# %%
board.table("level")

# %% [markdown]
# ## What can be worked out about what is withheld?
#
# The attacker knows every figure, every total and every earlier release, and the rule itself. Groups that no table shows, such as one
# school in one term, are asked about too.

# %%
print(board.sentences()["audit"])

# %%
board.table("audit").head(12)

# %% [markdown]
# **Caveat:** the audit says what is possible, not how likely it is, and only by what is published. The program that chooses what to
# withhold is public: somebody who runs it on every record that the published figures allow may rule out some counts. Somebody who knows one
# school's count from elsewhere may work out another's.
#
# ## What else is reported?
#
# Loads under the proposed zones, minutes of response, and rates where one enrollment is unknown are sums of counts as well. They are rounded
# until they tell no count, or left out.

# %%
print(board.sentences()["loads"])
board.table("loads")

# %%
board.table("response")

# %% [markdown]
# ## The packet
#
# A page of it, as the board sees it. `safeschools board` writes them all, with a PDF; `--release` records the packet as released, so that
# the next one is audited together with it. `safeschools verify` checks a written packet again, by arithmetic alone.

# %%
ssg.plot.board(result, "rates")

# %% [markdown]
# **Finding:** what stands above, in the summary. **What it does not say:** how safe a school is. The record holds what was reported, and
# what officers started: where officers looked is not where harm happened.
