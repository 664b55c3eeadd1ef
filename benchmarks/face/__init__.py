"""The face comparison: error rates and operating points."""
