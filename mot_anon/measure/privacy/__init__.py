"""Attacks on published data: can somebody still be recognised, or linked from one camera to another?"""
