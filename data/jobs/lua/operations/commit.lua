local function operation()
  local j = load(a.job)
  local mark = a.owner .. ':' .. a.index
  local t, no, other = held(j, a.unit)
  if not t then
    if other and other.e == a.epoch and other.q == mark then -- the first answer was lost: give it again
      if not a.chained then again(j, other) end
      return { ok = true, again = true }
    end
    if j and TERMINAL[j.status] and a.unit == 'publish' then
      local u = get_unit(a.job, a.unit)
      if u and u.q == mark then return { ok = true, again = true } end
    end
    return { no = no }
  end
  local stages = stages_of(j, a.unit)
  local stage = stages[t.k + 1]
  if a.unit == 'publish' or j.struck then
    expect_all(a.job, j.kind)
  else
    expect_handing(a.job, t.k + 1 == #stages)
  end
  if a.doc then expect('hash', 'doc:' .. a.job) end
  t.c = t.c or {}
  for i = #t.c + 1, t.k do t.c[i] = 0 end
  t.c[t.k + 1] = t.e
  if a.files or t.f then
    t.f = t.f or {}
    for i = #t.f + 1, t.k do t.f[i] = '' end
    t.f[t.k + 1] = a.files or ''
  end
  t.q, t.z, t.o, t.a, t.p, t.l, t.m = mark, nil, nil, nil, nil, nil, nil
  add(j, stage .. ':d', 1)
  add(j, stage .. ':i', num(a.rows_in))
  add(j, stage .. ':o', num(a.rows_out))
  add(j, stage .. ':e', num(a.errors))
  set(j, stage .. ':fa', now)
  add(j, 'pages', num(a.pages))
  for name, value in pairs(a.fields or {}) do set(j, name, value) end
  for name, value in pairs(a.doc or {}) do call('HSET', P .. 'doc:' .. j.id, name, value) end
  if is_part(a.unit) then progress_to(j, t, math.floor(1000 * (t.k + 1) / #stages)) end
  if t.k + 1 < #stages and given_up(j, a.unit) then
    t.k = t.k + 1 -- what it has made is kept: a resume goes on from here
    fail_by_deadline(j, a.unit, t)
    remember_sent(j, a.unit, t)
  elseif t.k + 1 < #stages then
    t.k = t.k + 1
    hand(j, a.unit, t, false)
    send = {} -- the canvas carries it on; the due entry is the safety net
  else
    move(j, a.unit, t, 'd')
    t.v, t.n, t.t, t.g, t.x, t.b = nil, nil, nil, nil, nil, nil -- a job may have 100,000 of these
    put_unit(j.id, a.unit, t)
    ended(j, a.unit, false)
    remember_sent(j, a.unit, t)
    if a.chained then send = {} end
  end
  if not TERMINAL[j.status] then tell_progress(j, not is_part(a.unit)) end
  return { ok = true }
end
