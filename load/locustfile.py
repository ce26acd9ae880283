"""A load of get_biz_token for locust: `biztoken load` runs it, and so does `locust -f load/locustfile.py`."""

from biztoken.load.user import FaceID

__all__ = ["FaceID"]
