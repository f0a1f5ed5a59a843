"""The `scraping` queue's work: fetching the pages of companies, politely and within bounds."""
