-- The stage raised. `max`, `base`, `cap` (ms) come from leadmill/errors.py, `jitter` is the caller's random number.
local function operation()
  local job = find(args.job)
  local unit, no = held(job, args.unit)
  if not unit then return { no = no } end
  unit[TRIES] = num(unit[TRIES]) + 1
  meter_run()
  if args.restart then -- what it read is damaged: it is made again from the first stage
    local stages = stages_of(job, args.unit)
    for i = 1, unit[STAGE_INDEX] do add(job, stages[i] .. STAGE_DONE, -1) end
    go_to_stage(job, args.unit, unit, 0)
    unit[COMMITTED_EPOCHS], unit[FILES] = nil, nil
  end
  if unit[TRIES] >= args.max then
    fail_unit(job, args.unit, unit, args.category, args.error)
    write_down_and_serve()
    return { ok = true, final = true }
  end
  unit[FAILURE] = { args.category, args.error }
  if given_up(job, args.unit) then
    fail_by_deadline(job, args.unit, unit)
    write_down_and_serve()
    return { ok = true, final = true }
  end
  meter('unit_retries:' .. stage_of(job, args.unit, unit) .. ':' .. args.category, 1)
  local at = now + math.floor(args.jitter * math.min(args.cap, args.base * 2 ^ (unit[TRIES] - 1)))
  unit[EPOCH], unit[OWNER] = unit[EPOCH] + 1, nil
  move(job, args.unit, unit, WAITING)
  due(args.unit, at)
  put_unit(args.unit, unit)
  event('unit', {
    unit = args.unit, state = 'waiting', category = args.category, error = args.error, retry_at = at,
    attempt = unit[TRIES],
  })
  if is_part(args.unit) then hand_next(job) end -- while it waits, its place is another's
  write_down_and_serve()
  return { ok = true, retry_at = at }
end
