-- Prolongs the lease of a run, and takes what it tells of its progress.
local function operation()
  local job = find(args.job)
  local unit, no = held(job, args.unit)
  if not unit then return { no = no } end
  due(args.unit, now + LEASE_MS)
  if args.progress then
    progress_to(job, unit, args.progress)
    put_unit(args.unit, unit)
    if args.message then set(job, MESSAGE, args.message) end
    add(job, 'pages', num(args.pages))
    add_traffic(job, args.traffic)
    if job.quota then limits().add_pages(job, num(args.pages)) end
    tell_progress(job, false)
  end
  return { ok = true }
end
