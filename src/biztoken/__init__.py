"""Conformance, mock and load testing for Megvii FaceID's get_biz_token."""

__version__ = "0.1.0"
