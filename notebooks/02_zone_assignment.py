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
# # 2. Which zone does each school belong to, and what does each zone carry?
#
# Every program school belongs to the zone whose polygon it lies in, and the zone's officer answers its critical incidents and
# visits it. This notebook shows the assignment and the workload of each zone.
#
# Results are those of the last run; where there is none of today's files, the term is run first, which takes a minute or more.
# Set the district folder and the term in the next cell. Left as they are: the **synthetic** demo district and its last term.

# %% tags=["parameters"]
district_folder = None
term_name = None

# %%
import safeschools_geo as ssg

# %%
result = ssg.load_term(district_folder or ssg.demo_folder(), term_name, runs=True).result()
print(result.summary())

# %% [markdown]
# ## Is any school's zone in doubt?
#
# `inside` is beyond doubt. A school on a `boundary` goes to the first of its candidates in the order of the zone file; one
# `outside` every zone belongs to no officer until somebody decides.

# %%
result.school_zones["status"].value_counts().to_frame()

# %%
in_doubt = result.school_zones[result.school_zones["status"] != "inside"]
in_doubt.merge(result.district.schools[["school_id", "name"]], on="school_id")

# %% [markdown]
# ## Where are the zones and the schools?

# %%
ssg.plot.zones(result)

# %% [markdown]
# ## What does each zone carry?
#
# Officer-hours per school day: incidents that were the zone officer's work, travel, and routine visits. `share_of_mean` is 1 for
# a zone that carries exactly its share.

# %%
result.to_frame().round(2)

# %%
print(
    f"Imbalance: {ssg.imbalance(result.loads['workload_h']):.0%} (largest distance from the mean load, as a share of it)"
)

# %% [markdown]
# ## Was it like that in earlier terms?

# %%
ssg.term_comparison(result.zone_loads).round(3)

# %% [markdown]
# **Finding.** The table says which zone carries most, and whether that lasts from term to term.
#
# **Caveat.** Workload rests on the minutes and visits in `[workload]` of `district.toml` wherever the export has no timestamps.
# Change them and rerun before anything is decided on a difference of a few per cent.
