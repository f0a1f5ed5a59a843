-- A handed unit that names no stage there is: no message can be made of it, so nobody would ever run it.
local function operation()
  local j = load_sound(a.job)
  if not j then return { no = 'gone' } end
  if TERMINAL[j.status] then return { no = 'ended' } end
  local t = get_unit(a.job, a.unit)
  if not t or t.s ~= 'h' then return { no = 'stale' } end
  fail_unit(j, a.unit, t, 'data', a.error)
  return { ok = true }
end
