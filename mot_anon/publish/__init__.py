"""Analyse, render, verify and write a data set."""
