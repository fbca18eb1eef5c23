-- Every UTC day that there can be events or cost of, for metrics over time: a day without rows is a day all the same.
select day
from {{ days_from('2023-01-01', '2035-12-31') }}
