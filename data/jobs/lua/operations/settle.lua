-- Launch knows how many companies the job has: they are counted, or there are too many for its project.
local function operation()
  local job = find(args.job)
  local unit, no = held(job, args.unit)
  if not unit then return { no = no } end
  if job.quota then limits().settle(job, args.companies) end
  return { ok = true }
end
