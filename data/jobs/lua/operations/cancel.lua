-- Ends a job now. What is on its way is planned again, for a resume. The room that it leaves is given away by the next
-- claim: who cancels sends nothing.
local function operation()
  local job = load(args.job)
  if not job then return { no = 'gone' } end
  if TERMINAL[job.status] then return { no = job.status } end
  for _, name in ipairs(open_units()) do
    local unit = get_unit(name)
    if unit and LIVE[unit[STATUS]] then
      must_be_legal(UNIT_MOVES, unit[STATUS], PLANNED)
      if BUSY[unit[STATUS]] and is_part(name) then shift(job, name, queue_of(stage_of(job, name, unit)), -1) end
      unit[STATUS], unit[OWNER] = PLANNED, nil
      undue(name)
      put_unit(name, unit)
    end
  end
  set(job, IN_WINDOW, 0)
  end_job(job, 'cancelled')
  return { ok = true }
end
