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
# # 4. Where do calls concentrate, and how sure can we be?
#
# A school has many incidents because it is large, because officers were posted there, by chance, or because more happens there than at schools like it.
# Only the last is a hotspot. Every step below takes one of the others out before it speaks.
#
# Results are those of the last run; where there is none of today's files, the term is run first, which takes a minute or more.
# Set the district folder and the term in the next cell. Left as they are: the **synthetic** demo district and its last term.
# **What this notebook shows is confidential** when the district is a real one. It never goes to the board as it is.

# %% tags=["parameters"]
district_folder = None
term_name = None

# %%
import safeschools_geo as ssg

# %%
result = ssg.load_term(district_folder or ssg.demo_folder(), term_name, runs=True).result()
found = result.hotspots
print(f"{result.district.settings.district.name}, {found.term}")

# %% [markdown]
# ## How far could such a list be trusted in the terms before?
#
# Before any map: each past term is forecast from the terms before it, and the forecast is judged against what anyone could do without
# statistics. `pai` is the share of incidents found over the share of student-days watched, `pei` how much of the possible was found,
# `rri` whether hotspots kept their share.

# %%
print(found.backtest.summary())

# %%
found.backtest.to_frame().round(2)

# %% [markdown]
# **Read it so:** if the shrunken rates do no better than "same as last year", then use last year's list, and take the ranking of
# schools below as a description of this term, not as a forecast of the next.
#
# ## What was set before looking?
#
# None of these was chosen by what it makes significant. Counted are reported incidents that were the zone officer's work, over
# student-days; what officers started themselves is looked at apart, since it says where they looked.

# %%
dict(found.settings)

# %% [markdown]
# ## How often, for the number of students? By level and zone, with intervals

# %%
ssg.plot.zone_rates(result)

# %% [markdown]
# ## Which schools are high, against schools like them or against their own past?
#
# The funnel allows for how much schools ordinarily differ, estimated from all terms so far without being bent by outliers. A school's own
# earlier terms predict it, too. It has one p-value of both, and a q-value that allows for having looked at every school. The smaller a
# school, the larger the rise that could have been missed.

# %%
ssg.plot.funnel(found)

# %%
print(found.schools.rates.summary())

# %%
columns = ["name", "reported", "expected", "predicted", "q_value", "detectable_ratio", "status", "high_against"]
rates = found.schools.rates.table.set_index("school_id")[columns]
rates.sort_values("q_value").head(8).round(3)

# %% [markdown]
# Ranked by the empirical-Bayes rate, which is drawn towards the level's the more the less is known of a school:

# %%
shrunken = ["name", "rate_per_1000", "shrunken_per_1000", "shrunken_low_per_1000", "shrunken_high_per_1000"]
found.schools.rates.table.sort_values("shrunken_per_1000", ascending=False)[shrunken].head(8).round(3)

# %% [markdown]
# ## Which neighboring schools are high together?
#
# Kulldorff's scan looks at every circle of schools and asks how often chance alone would make the likeliest of them as strong. The
# results with windows of 10 % and 50 % stand beside those with the chosen one.

# %%
print(found.schools.groups.summary())

# %%
columns = ["group_id", "status", "zone_id", "observed", "expected", "p_value", "p_value_10", "p_value_50"]
found.schools.groups.to_frame()[[*columns, "stability_share"]].head(5).round(3)

# %%
print(found.schools.months.summary())

# %% [markdown]
# ## Every hotspot in one plain sentence, with what it rests on

# %%
print(found.summary())

# %%
columns = ["hotspot_id", "kind", "zone_id", "ratio", "p_value", "q_value", "officer_initiated_share", "warning"]
found.to_frame()[columns].round(3)

# %% [markdown]
# ## Where?

# %%
ssg.plot.hotspots(result)

# %% [markdown]
# ## When?
#
# Incidents are divided by the hours in which schools are in session; what was found later is spread over the hours in which it may
# have happened. A time that is only a date is never midnight.

# %%
ssg.plot.hours(found)

# %%
found.hours.high[["group", "weekdays", "start_hour", "end_hour", "observed", "expected", "q_value"]].round(3)

# %% [markdown]
# ## On a grid, and do incidents follow each other?
#
# The grid explores; the schools and the scan test. Trust a hot cell by the share of shifted grids in which it stays hot.

# %%
ssg.plot.grid(result)

# %%
print(found.places.repeats.summary() if found.places.repeats else "Fewer than two incidents with a place.")
print(found.places.clusters.summary())

# %% [markdown]
# ## What rose, fell, came, stayed and went?

# %%
trends = found.trends.trends
trends[trends["class"].isin(["rising", "falling"])][["school_id", "class", "ratio_first_last", "q_value", "sentence"]]

# %%
classes = found.trends.classes
classes[~classes["class"].isin(["none", "insufficient_data"])]

# %%
found.trends.change_zones.drop(columns="sentence").round(3)

# %% [markdown]
# ## Did a change of zones change anything?
#
# Name the schools whose zone changed before this term. They are compared with the schools of their levels that did
# not move and were most alike (weighted displacement difference).

# %%
moved_schools = []
terms = found.schools.counts["term"].unique()
pair = {"before": terms[-2], "after": terms[-1]} if len(terms) > 1 else None
told = "No school is named." if not moved_schools or pair is None else "See below."
ssg.zone_change_effect(found.schools.counts, moved_schools, **pair).to_frame() if told == "See below." else told

# %% [markdown]
# ## Zones and hotspots
#
# The share of each zone's load inside groups that are high, and whether the zones of today cut one of them in two. A plan is asked the
# same question: give its assignment in place of today's.

# %%
found.zone_shares.round(2)

# %%
ssg.split_groups(found.groups_of_schools, ssg.zone_by_school(result.school_zones))

# %% [markdown]
# **Finding.** The sentences above are the finding; a school or group not among them is not clearly above what is expected, or too little
# is known: its `detectable_ratio` and `not_judged` say what could have been missed.
#
# **Caveat.** A hotspot says where students need support. It counts what was reported, and people report more where they trust that
# something will be done. It is no judgment of a school, and never of a student.
