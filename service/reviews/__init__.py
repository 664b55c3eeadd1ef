"""Reviews: officers decide referred registrations by signed statements of their own, beside the verdict."""
