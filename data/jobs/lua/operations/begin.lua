local function operation()
  local j = load(a.job)
  if not j then return { no = 'gone' } end
  if TERMINAL[j.status] then return { no = 'ended' } end
  local t = get_unit(a.job, a.unit)
  local repeated = t and t.s == 'r' and t.o == a.owner and t.k == a.index
  local spec = read('hash', 'HGET', 'doc:' .. a.job, 'spec')
  if not repeated then
    expect_own(a.job)
    if j.status == 'pending' then
      expect('zset', 'idx:s:pending')
      expect('zset', 'idx:s:running')
    end
    if not t or t.s ~= 'h' or t.k ~= a.index or (a.epoch ~= 0 and t.e ~= a.epoch) then return { no = 'stale' } end
    local stage = stages_of(j, a.unit)[t.k + 1]
    if not t.x then -- only first hand-outs raise the mark: re-sent ones would make others look lost
      local field = stage .. ':' .. t.v
      if t.n > num(read('hash', 'HGET', 'mark', field)) then call('HSET', P .. 'mark', field, t.n) end
    end
    t.o, t.y = a.owner, nil
    if j.status == 'pending' then
      set_status(j, 'running')
      if j.started == '' then set(j, 'started', now) end
    end
    move(j, a.unit, t, 'r')
    due(a.job, a.unit, now + LEASE_MS)
    put_unit(a.job, a.unit, t)
    if not j[stage .. ':sa'] then
      set(j, stage .. ':sa', now)
      event(a.job, 'stage', { stage = stage, state = 'started' })
    end
  end
  return {
    epoch = t.e, attempt = num(j.attempt), tries = num(t.a), kind = j.kind, stages = j.stages, created = num(j.created),
    parts = num(j.pn), spec = spec, epochs = t.c, files = t.f,
    category = j.category, refused = t.b, deaths = t.p, lapses = t.l,
  }
end
