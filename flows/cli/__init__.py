"""The command line, a file for each group of commands.

:func:`main.main` is ``callaudit``; :mod:`common` has the options and errors that commands share,
:mod:`formatters` what they print, :mod:`reference` writes docs/cli.md. Nothing is imported here:
``--help`` must be quick.
"""
