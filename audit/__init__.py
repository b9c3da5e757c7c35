"""callaudit's domain: how a recorded call becomes findings and a score.

Free of Prefect and of model libraries; importing it loads neither.
"""

__version__ = "0.1.0"
