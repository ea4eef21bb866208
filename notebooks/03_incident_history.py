# ---
# jupyter:
#   jupytext:
#     formats: ipynb,py:percent
#     text_representation:
#       extension: .py
#       format_name: percent
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # 3. What happened, where, when, and whose work was it?
#
# The whole history of incidents, sorted by the program's own rule into the zone officer's work, the specialist's, and patrol's.
#
# Results are those of the last run; where there is none of today's files, the term is run first, which takes a minute or more.
# Set the district folder and the term in the next cell. Left as they are: the **synthetic** demo district and its last term.
# **What this notebook shows is confidential** when the district is a real one.

# %% tags=["parameters"]
district_folder = None
term_name = None

# %%
import safeschools_geo as ssg

# %%
result = ssg.load_term(district_folder or ssg.demo_folder(), term_name, runs=True).result()
this_term = result.history[result.history["term"] == result.term.name]
print(result.summary())

# %% [markdown]
# ## Whose work was it, and why?
#
# A call is the zone officer's when it is critical, at a program school, on a day school is in session, within program hours.
# Threat assessments are the specialist's. All else is patrol's. Every incident is counted once, under the first condition it fails.

# %%
ssg.work_summary(this_term)

# %% [markdown]
# ## How many of each category, and how many were started by officers?
#
# Where officers look is not where harm happens: a high share started by officers says more about patrol than about the school.

# %%
ssg.incident_counts(this_term, ["category"]).round(2)

# %%
ssg.incident_counts(this_term[this_term["work_of"] == "zone_officer"], ["zone_id"]).round(2)

# %% [markdown]
# ## Where? Filter by term, category and hour.

# %%
ssg.plot.history(result)

# %% [markdown]
# ## How often, for the number of students?
#
# Counts follow enrollment. The rate is calls for zone officers per 1,000 student-days; a zone without a known enrollment has none.

# %%
ssg.plot.rates(result)

# %% [markdown]
# **Finding.** The map and the tables show where the program's work lies this term.
#
# **Caveat.** A high count or rate is not yet a hotspot: chance alone makes some zone the highest every term. Whether a difference
# holds up is a question of its own, with its own tests.
