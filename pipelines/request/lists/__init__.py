"""Lists of companies as people export them: CSV and workbooks, read line by line (`CompanyList`)."""
