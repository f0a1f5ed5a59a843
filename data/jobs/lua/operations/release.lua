-- A shutdown gives the unit back; it costs no attempt.
local function operation()
  local j = load_sound(a.job)
  local t, no = held(j, a.unit)
  if not t then return { no = no } end
  hand_again(j, a.unit, t)
  return { ok = true }
end
