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
# # 1. Can we rely on this term's files?
#
# Exports of a dispatch system are never clean. Before any map is drawn, this notebook reads the district folder, says what it
# found, and shows every row it did not keep, with the reason.
#
# Set the district folder and the term in the next cell. Left as they are, the notebook shows the **synthetic** demo district and
# its last term.

# %% tags=["parameters"]
district_folder = None
term_name = None

# %%
import pandas as pd

import safeschools_geo as ssg

pd.set_option("display.max_colwidth", None, "display.max_rows", 200)

# %% [markdown]
# ## What was read?
#
# Rows read are rows kept plus rows not kept, always. Rows that the settings leave out on purpose (a closed school, another
# district's) are distinguished by a reason that begins with `excluded_by_`.

# %%
district = ssg.read_district(district_folder or ssg.demo_folder())
report = ssg.check_district(district)
print(report.summary())

# %%
district.rejects.groupby(["source_file", "reason_code"]).size().rename("rows").to_frame()

# %% [markdown]
# ## What should a person look at?
#
# **Errors** make results wrong and come first. **Warnings** deserve a look. **Notes** are good to know. Every finding names the
# rows and how to fix them.

# %%
report.to_frame()[["severity", "table", "message", "count", "remedy"]]

# %% [markdown]
# ## Which school names were taken for a school's by likeness?
#
# Read this list line by line: a name that only resembles a school's may be another school's.

# %%
district.school_review

# %% [markdown]
# ## Which rows were not kept?
#
# The whole list, with each row as it was, is written to `rejects.csv` by `safeschools run`.

# %%
district.rejects.head(20)

# %% [markdown]
# **Finding.** The counts above say how much of the history the later notebooks rest on.
#
# **Caveat.** A check finds what looks wrong. It cannot find an incident that nobody recorded, or one recorded at the wrong school
# with good spelling.
