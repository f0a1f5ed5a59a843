-- A handed unit that names no stage there is: no message can be made of it, so nobody would ever run it.
local function operation()
  local job = find(args.job)
  if not job then return { no = 'gone' } end
  if TERMINAL[job.status] then return { no = 'ended' } end
  local unit = get_unit(args.unit)
  if not unit or unit[STATUS] ~= HANDED then return { no = 'stale' } end
  fail_unit(job, args.unit, unit, 'data', args.error)
  write_down_and_serve()
  return { ok = true }
end
