"""Devices that stream side by side."""
