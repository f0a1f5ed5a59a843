-- What is known of a submission that comes again: its job, if that has its launch or has ended. Else the caller's own
-- id is recorded (again): whatever a half-made record lacks is written once more.
local function replay()
  local id = a.id
  if a.idem then
    local known = read('string', 'GET', 'idem:' .. a.idem)
    if known then
      known = dec(known)
      if known.body ~= a.body then return { ok = false, job = known.job } end
      id = known.job
    end
  end
  local status = read('hash', 'HGET', 'job:' .. id, 'status')
  if status and (TERMINAL[status] or get_unit(id, 'launch')) then return { ok = true, job = id, replayed = true } end
  if id ~= a.id then return { ok = true, job = id, replayed = true, lost = true } end
  if status then -- it never began: made anew, under the same id
    expect_all(id, a.fields.kind)
    call('ZREM', P .. 'idx:s:' .. status, id)
    call('DEL', job_key(id), P .. 'units:' .. id, P .. 'todo:' .. id)
  end
end

local function operation()
  local known = replay()
  if known then return known end
  expect_own(a.id)
  expect('hash', 'doc:' .. a.id)
  expect('hash', 'units:' .. a.id)
  expect('hash', 'seq')
  expect('zset', 'idx:s:pending')
  expect('zset', 'idx:k:' .. a.fields.kind)
  expect_tags(a.tags or {})
  local j = { id = a.id, status = 'pending', created = now, busy = 0, waits = 0 }
  local fields = { 'status', 'pending', 'created', now, 'started', '', 'attempt', 1, 'close', 'publish', 'busy', 0, 'waits', 0 }
  for name, value in pairs(a.fields) do fields[#fields + 1] = name; fields[#fields + 1] = value; j[name] = value end
  call('HSET', job_key(a.id), unpack(fields))
  call('HSET', P .. 'doc:' .. a.id, 'input', a.input, 'spec', a.spec)
  call('ZADD', P .. 'idx:s:pending', now, a.id)
  call('ZADD', P .. 'idx:k:' .. j.kind, now, a.id)
  for _, tag in ipairs(a.tags or {}) do call('ZADD', P .. 'idx:t:' .. tag, now, a.id) end
  event(a.id, 'status', { status = 'pending' })
  if a.deadline_s then
    set(j, 'deadline', now + a.deadline_s * 1000)
    due(a.id, '~', num(j.deadline))
  end
  local t = { s = 'p', e = 1, k = 0 }
  if a.run_at and a.run_at > now then
    set(j, 'run_at', a.run_at)
    move(j, 'launch', t, 'w')
    put_unit(a.id, 'launch', t)
    due(a.id, 'launch', a.run_at)
  else
    hand(j, 'launch', t, false)
  end
  if a.idem then call('SET', P .. 'idem:' .. a.idem, enc({ job = a.id, body = a.body }), 'EX', IDEMPOTENCY_S) end
  return { ok = true, job = a.id }
end
