-- A shutdown gives the unit back; it costs no attempt.
local function operation()
  local job = find(args.job)
  local unit, no = held(job, args.unit)
  if not unit then return { no = no } end
  hand_again(job, args.unit, unit)
  write_down_and_serve()
  return { ok = true }
end
