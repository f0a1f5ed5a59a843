-- Stages that run once a job: all but those of the partitions.
local function once_stages(j)
  local out, parts = { 'launch', 'render', 'publish' }, ',' .. j.ps .. ','
  for _, stage in ipairs(split(j.stages, ',')) do
    if not parts:find(',' .. stage .. ',', 1, true) then out[#out + 1] = stage end
  end
  return out
end

-- Everything that is not done is planned again with a fresh epoch; launch runs first and extends the plan.
local function operation()
  local j = load_sound(a.job)
  if not j then return { no = 'gone' } end
  if a.idem then
    local known = read('string', 'GET', 'idem:' .. a.idem)
    if known then
      known = dec(known)
      return { ok = known.job == a.job and known.body == a.body, replayed = true }
    end
  end
  if not TERMINAL[j.status] or (j.status == 'completed' and num(j.coverage) >= 1 and not a.damaged) then
    return { no = j.status }
  end
  for _, name in ipairs({ 'units:', 'ev:', 'todo:' }) do call('PERSIST', P .. name .. j.id) end
  count_ended(j, -1)
  call('DEL', P .. 'todo:' .. j.id)
  for u, t in pairs(a.units or {}) do -- from the manifest, when the record's own units are gone
    call('HSETNX', P .. 'units:' .. j.id, u, enc(t))
  end
  local done, again = 0, {}
  for _, u in ipairs(a.damaged or {}) do again[u] = true end
  local flat = call('HGETALL', P .. 'units:' .. j.id)
  for i = 1, #flat, 2 do
    local u, t = flat[i], dec(flat[i + 1])
    if is_part(u) and again[u] then -- a file of it is damaged: made again from the first stage
      local stages = split(j.ps, ',')
      for k = 1, t.s == 'd' and #stages or t.k do add(j, stages[k] .. ':d', -1) end
      add(j, 'g', -(t.s == 'd' and 1000 or num(t.g)))
      t = { s = 'f', e = t.e, k = 0, b = t.b }
    end
    if is_part(u) and t.s == 'd' then
      done = done + 1
    elseif u ~= 'launch' then
      call('ZREM', P .. 'dead', j.id .. '|' .. u)
      t = {
        s = 'p', e = t.e + (is_part(u) and 1 or 0), k = is_part(u) and t.k or 0, c = t.c, f = t.f, g = t.g, b = t.b,
      }
      put_unit(j.id, u, t)
      if is_part(u) then call('RPUSH', P .. 'todo:' .. j.id, u) end
    end
  end
  for _, stage in ipairs({ 'launch', 'render', 'publish', unpack(split(j.stages, ',')) }) do
    call('HDEL', job_key(j.id), stage .. ':f', stage .. ':fa')
  end
  for _, stage in ipairs(once_stages(j)) do
    call('HDEL', job_key(j.id), stage .. ':d', stage .. ':i', stage .. ':o', stage .. ':e', stage .. ':sa')
  end
  if j.dpx then set(j, 'px', j.dpx) end
  call('HDEL', job_key(j.id), 'finished', 'took', 'bucket', 'category', 'coverage', 'deadline', 'struck', 'dpx', 'pct')
  call('HDEL', P .. 'doc:' .. j.id, 'error', 'result')
  j.category, j.struck = nil, nil
  add(j, 'attempt', 1)
  for field, value in pairs({ pd = done, pf = 0, win = 0, ci = 0, cn = 0, busy = 0, waits = 0 }) do set(j, field, value) end
  set_status(j, 'pending')
  call('ZREM', P .. 'dead', j.id .. '|launch')
  local t = get_unit(j.id, 'launch') or { e = 0 }
  hand(j, 'launch', { s = 'p', e = t.e + 1, k = 0 }, false)
  if a.idem then call('SET', P .. 'idem:' .. a.idem, enc({ job = a.job, body = a.body }), 'EX', IDEMPOTENCY_S) end
  return { ok = true, attempt = num(j.attempt) }
end
