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
# # 6. Who comes, how soon, and who helps when everybody is busy?
#
# One officer for each zone, and calls that collide. A queueing model works out how often the zone's own officer is free, who comes
# instead, and how often nobody can. A model is not the record: so it is held against the record first, and only then asked for advice.
#
# Results are those of the last run; where there is none of today's files, the term is run first, which takes a minute or more.
# Set the district folder and the term in the next cell. Left as they are: the **synthetic** demo district and its last term. Where
# there are no calls to answer, that is said, and what needs them stays empty.
# **What this notebook shows is confidential** when the district is a real one.

# %% tags=["parameters"]
district_folder = None
term_name = None

# %%
import safeschools_geo as ssg

# %%
result = ssg.load_term(district_folder or ssg.demo_folder(), term_name, runs=True).result()
coverage = result.coverage
print(f"{result.district.settings.district.name}, {result.term.name}.")
said = coverage.sentences()
print(coverage.finding())
print(said["rates"])

# %% [markdown]
# The record is the figure. What stands below of the model is called the model's, and is left out where nothing recorded could bear it
# out: minutes where no times of dispatch and arrival were recorded, and who answers where the record does not say who did.
#
# ## Does the model say what the record says?
#
# What the record says (`observed`), where enough calls have it, and what the model predicts. `low` and `high` are the 95 % interval of the
# record, from redrawn school days. An empty `zone_id` is the whole district.

# %%
print(said["validation"])
print(said["calibration"])

# %%
columns = ["zone_id", "measure", "observed", "low", "high", "predicted", "is_within", "note"]
coverage.table("validation", columns).query("zone_id == ''").round(3)

# %% [markdown]
# The same zone by zone. Of so many figures, one in twenty lies outside by chance alone.

# %%
coverage.table("validation", columns[:-1]).query("zone_id != ''").round(3)

# %% [markdown]
# **Read it so:** where the record lies outside, expect what follows to be off in the same direction: if trips take longer than the model
# says, so may those of any other plan. Two plans in one model share its faults, so their difference may be nearer the truth than either
# figure; nothing here tests that. Numbers of calls are those of the same days. All else is calibrated on earlier terms, where there are
# any, and this term is its test: the next table measures each assumption again.

# %%
coverage.table("assumptions").round(3)

# %% [markdown]
#
# ## Who comes, and how soon?
#
# Minutes are those of the trip, from dispatch to arrival, of calls that an officer answered. The map shows the record's minutes of the
# zones, and the model's of single schools, of which the record has too few calls.

# %%
print(coverage.finding())
print(said["dispatch"])
print(said["replay"])

# %%
ssg.plot.coverage(result)

# %%
columns = ["zone_id", "calls_per_h", "response_recorded", "response_low", "response_high", "response_model"]
columns += ["overflow_recorded", "overflow_model"]
coverage.table("zones", columns).set_index("zone_id").round(3)

# %% [markdown]
# Who helps whom in the model, which the record does not say: the share of each zone's answered calls (row) by the zone of the officer who
# answers (column).

# %%
coverage.table("backup").round(3)

# %% [markdown]
# **Read it so:** calls go to patrol because all are busy at once, whose chance is the same for every zone since calls come at random, or
# because they are sent there whoever is free, as in earlier terms. Busy is busy with calls: routine visits are not in it, since an officer
# breaks them off.
#
# ## When is it worst?

# %%
coverage.table("hours").round(4)

# %%
print(said["hours"])

# %% [markdown]
# **Read it so:** how many calls come is the record's, all else the model's. Each hour is taken as if its calls came all day long. Calls that
# run on from a busy hour into a quiet one are not carried over.
#
# ## Where should officers wait?
#
# Today each officer waits at the school in the middle of the zone, unless the settings name another (`[coverage] staging`). Best is the
# school of the zone from which its own calls are nearest on average.

# %%
print(said["staging"])

# %%
coverage.staging_layer().drop(columns="geometry").round(2)

# %% [markdown]
# **Read it so:** double coverage (two officers within reach) is what helps when the first is busy. Best for the mean is not best for
# everything: look at the shares within each time, which can fall.
#
# ## How many officers?

# %%
print(said["staffing"])

# %%
coverage.table("staffing").round(4)

# %% [markdown]
# **Read it so:** officers here are not tied to zones, and wait where all schools are nearest: compare the rows with each other, not with
# the zones of today. A low overflow says that calls seldom collide, not that an officer could be spared: visits, court and leave are no
# calls.
#
# ## Would the proposed zones be covered better or worse?
#
# Even loads and short trips are different aims. Both plans are scored on the same calls and the same redrawn days, so that the interval is
# that of the difference; officers wait where they wait today.

# %%
print(said["comparison"] or "There are no other zones to compare with.")

# %%
columns = ["label", "unit", "current", "proposed", "difference", "low", "high", "verdict"]
coverage.table("comparison", columns).set_index("label").round(4)

# %% [markdown]
# **Read it so:** a plan that balances load and worsens response is a choice between two goods. Try other staging points for it, or fewer
# moves (notebook 5), before you take it.
#
# ## What if an officer is absent?
#
# Only the schools of the absent officer go to neighbors; nobody else's change. Each case has a sheet for the morning.

# %%
columns = ["model_response_change_min", "model_overflow_change_share", "busiest_zone", "busiest_load_h"]
coverage.table("absences").reindex(columns=["absent", "schools", *columns]).head(12).round(4)

# %%
print(said["absence"] or "There is nobody who could cover.")

# %%
ssg.plot.absence(result)

# %% [markdown]
# **Read it so:** loads are of a usual day, so the sheet holds for a day or a week, and is no plan of zones. It does not know who may work
# overtime.
#
# ## When are schools visited?
#
# A week of routine visits that leaves time free for calls, with arrival, lunch and dismissal windows. Another week is another plan, so
# that nobody can set a watch by it.

# %%
print(said["visits"])

# %%
ssg.plot.visits(result)

# %%
coverage.table("visits_unmet")

# %% [markdown]
# **Read it so:** *cannot* stands only where it is proven. Anything else that is left out was not found, and other rules may find it: a
# shorter visit, or less time held free (`[coverage] free_share`). Program hours stand for the bells.
#
# ## The specialist, apart
#
# Threat assessments are the specialist's, and in no zone's load or response.

# %%
print(said["specialist"])

# %%
columns = ["term", "cases", "cases_per_week", "low", "high", "hours_per_week", "open_cases"]
coverage.table("specialist", columns).set_index("term").round(2)

# %% [markdown]
# **Finding.** Read the first section, then the rest: how far the model agrees with the record is how far its advice goes.
#
# **Caveat.** The model knows calls, ways and who is busy with a call. It takes calls that an officer started as calls that somebody is sent
# to. It does not know traffic, visits in progress, or a dispatcher who sends somebody else.
