-- The stage raised. `max`, `base`, `cap` (ms) come from leadmill/errors.py, `jitter` is the caller's random number.
local function operation()
  local j = load_sound(a.job)
  local t, no = held(j, a.unit)
  if not t then return { no = no } end
  t.a = num(t.a) + 1
  if a.restart then -- what it read is damaged: it is made again from the first stage
    for i = 1, t.k do add(j, stages_of(j, a.unit)[i] .. ':d', -1) end
    t.k, t.c, t.f = 0, nil, nil
  end
  if t.a >= a.max then
    fail_unit(j, a.unit, t, a.category, a.error)
    return { ok = true, final = true }
  end
  if given_up(j, a.unit) then
    t.m = { a.category, a.error }
    fail_by_deadline(j, a.unit, t)
    return { ok = true, final = true }
  end
  local at = now + math.floor(a.jitter * math.min(a.cap, a.base * 2 ^ (t.a - 1)))
  t.e, t.o, t.m = t.e + 1, nil, { a.category, a.error }
  move(j, a.unit, t, 'w')
  due(a.job, a.unit, at)
  put_unit(a.job, a.unit, t)
  event(a.job, 'unit', { unit = a.unit, state = 'waiting', category = a.category, error = a.error, retry_at = at, attempt = t.a })
  return { ok = true, retry_at = at }
end
