"""The HTML pages.

:mod:`views` computes what each page shows, :mod:`html` renders it; :mod:`playback` copies
recordings beside the pages, :mod:`case_file` puts one call into a single file.
"""
