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
# # 5. What is the least we must change, and is there nothing better?
#
# One zone has too much work. Moving schools to its neighbors helps, but every move costs a school the officer it knows. So the
# question is twofold: how much does each move buy, and could another plan with as few moves do better?
#
# Results are those of the last run; where there is none of today's files, the term is run first, which takes a minute or more.
# Set the district folder and the term in the next cell. Left as they are: the **synthetic** demo district and its last term. Where
# there is nothing to rebalance, as with one zone only, that is said, and what needs a proposal stays empty.
# **What this notebook shows is confidential** when the district is a real one.

# %% tags=["parameters"]
district_folder = None
term_name = None

# %%
import safeschools_geo as ssg

# %%
result = ssg.load_term(district_folder or ssg.demo_folder(), term_name, runs=True).result()
proposal = result.proposal
print(f"{result.district.settings.district.name}, {result.term.name}. {proposal.why}")

# %%
units = proposal.table("units", ["unit_id", "name", "zone_id", "workload"])
edges = proposal.table("edges", ["unit_a", "unit_b", "kind"])
print(f"{len(units)} units, {len(edges)} edges")

# %% [markdown]
# ## How uneven are the zones today?
#
# Load is officer-hours per school day. `share_of_mean` is 1 where a zone carries its fair share.

# %%
result.loads[["name", "schools", "workload_h", "share_of_mean"]].round(2)

# %% [markdown]
# **Read it so:** the imbalance is how far the zone farthest from 1 is away from it. Loads are those measured under today's zones: part
# of them is driving, and driving would change a little with the zones.
#
# ## How even could any plan be?
#
# A unit, here a school with its service area, moves whole. The heaviest ones set the limit.

# %%
print(proposal.sentences()["notes"])

# %%
heaviest = units.sort_values("workload", ascending=False).head(5)
heaviest.assign(share_of_mean_zone=heaviest["workload"] / result.loads["workload_h"].mean()).round(2)

# %% [markdown]
# **Read it so:** a plan that has to be more even than this allows needs finer units, such as census tracts
# (`safeschools rebalance --units`).
#
# ## Which units are neighbors?
#
# A zone is contiguous if one can get from any of its units to any other over edges: shared borders, and bridges over gaps or water.
# What was noticed on the way is listed.

# %%
print(proposal.sentences()["findings"])
print(edges["kind"].value_counts().to_string())

# %% [markdown]
# **Read it so:** a bridge is a guess that an officer can drive there, and a border may be a freeway. Extra edges, and edges that must
# not be used, go into a file (`[rebalance] links`).
#
# ## What does each move buy?
#
# The frontier: the smallest imbalance that was found with at most so many moves, and the bound, below which no plan can be.

# %%
columns = ["moves", "imbalance", "bound", "gap", "is_proven", "plan_imbalance", "more_even_share", "travel"]
proposal.table("frontier", columns).round(4)

# %%
print(proposal.finding())

# %% [markdown]
# **Read it so:** where imbalance and bound are equal, no plan of so many moves has a smaller imbalance, however long one looks; nothing
# is proven about response times or other terms. More moves are proposed as long as each gains a percentage point or more and the plan is
# more even in nine of ten terms redrawn from the school days (`more_even_share`); the choice is the manager's.
#
# ## What would change?
#
# Among the plans nearly as even (`[rebalance] slack`), one whose other zones are as even as they can be, and then the one with the
# shortest travel, is shown.

# %%
print("\n".join(proposal.table("moves", ["sentence"])["sentence"]) or "Nothing.")

# %%
ssg.plot.plan(result)

# %% [markdown]
# ## Is there really nothing better?
#
# The certificate says what is proven, and over which plans: by default over all contiguous ones in which the middle of each zone (its
# root) stays, so that every officer keeps a base.

# %%
print(proposal.sentences()["proof"])

# %% [markdown]
# Would it help to let the roots move as well? As many moves, and every contiguous plan:

# %%
if not proposal.is_empty:
    rules, moves = proposal.inputs.rules, len(proposal.plan.moves)
    kept = {"locked": rules.locked, "together": rules.together, "forbidden": rules.forbidden, "apart": rules.apart}
    kept |= {"set_apart": proposal.inputs.set_apart, "noun": proposal.inputs.noun}
    free = ssg.rebalance(
        proposal.inputs.units, adjacency=proposal.inputs.edges, max_moves=moves, crs=result.district.crs, **kept
    )
    print(ssg.certificate_text(free.certificate))

# %% [markdown]
# **Read it so:** "proven" is about the loads as they were counted. `safeschools verify` checks a written plan again without the solver,
# and says whether it could confirm the bound itself.
#
# ## What does evenness cost?
#
# First what it costs in response, backup, hotspots and levels: with officers where they wait today, and placed anew. Then the
# proposal beside the zones of today, on every measure; `best` names the better of the two.

# %%
print(proposal.sentences()["price"])

# %%
proposal.table("scores", ["label", "unit", "current", "proposed", "best"]).set_index("label")

# %% [markdown]
# Does it cut a hotspot in two, so that two officers share one problem?

# %%
proposal.table("hotspot_splits", ["name", "zones", "is_split"])

# %% [markdown]
# **Read it so:** travel, compactness and split hotspots are no part of the search for evenness. Where one of them gets worse than is
# worth it, lock a school, keep schools together, or forbid a zone (`[rebalance]`), and run again.
#
# ## Does it hold up, or does it fit one term only?
#
# The plan and the zones of today, on the loads of other terms, and on terms redrawn from the school days of this one.

# %%
print(proposal.sentences()["stability"])

# %%
columns = ["kind", "term", "imbalance", "imbalance_current", "holds_up", "is_planned_on"]
proposal.table("stability", columns).query("kind == 'term'").round(3)

# %%
proposal.table("stability_quantiles").round(3)

# %% [markdown]
# **Read it so:** what counts is the terms that the plan was not made from; expect it to be less even in those. Holding up means more even
# than today's zones in the same term, no more.
#
# ## What if I move other schools?
#
# Click a school, choose its zone, see what becomes of the loads; take the plan with you as a file.

# %%
ssg.plot.what_if(result)

# %% [markdown]
# Or here: school → zone. As it stands, the proposal without its last move. `safeschools score` does the same with files. A plan that
# was drawn elsewhere comes in by `mine = ssg.read_plan("sheriff.gpkg", result.district).assignment`.

# %%
my_moves = dict(proposal.table("moves", ["unit_id", "zone_after"]).to_numpy()[:-1])

# %%
if not proposal.is_empty:
    mine = units.set_index("unit_id")["zone_id"].copy()
    mine.loc[list(my_moves)] = list(my_moves.values())
    my_score = ssg.score_in_district(result.district, proposal.inputs, mine, result.hotspots.groups_of_schools)
    plans = {"current": proposal.current, "proposed": proposal.proposed, "mine": my_score}
    print(ssg.compare_plans(plans, shown=True)[["label", *plans, "best"]].head(12).to_string(index=False))

# %% [markdown]
# **Finding.** The sentences under "What does each move buy?" are the answer: so many moves, this even, what is proven about it, and what
# it costs.
#
# **Caveat.** Even loads are not the aim, only a fair start. The search knows workload and maps; it does not know which officer a school
# trusts, which road floods, or what next term brings.
