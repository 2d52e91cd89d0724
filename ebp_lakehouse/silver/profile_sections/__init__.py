"""The sections of the profile (semantics §11), one SQL file each, in the order of their numbers.

A file's leading comment is its title, then what the reader should know. It reads the scratch build's schemas (staging,
intermediate, seeds) and ``lake.bronze``. A column ``proposals`` holds lines to paste (see profile.py), all others are shown.
"""
