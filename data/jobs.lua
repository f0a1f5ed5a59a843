-- Every change of a job record, one operation a call. Atomic, and timed by the server's clock.
--   KEYS[1] key prefix · ARGV[1] operation · ARGV[2] its arguments as JSON · ARGV[3] the caller's lake → one JSON object
-- The limits (LEASE_MS …) are set in front of this text by data/jobs.py, which also says what each key holds.
--
-- A unit is a JSON object with one-letter keys, absent when empty:
--   s state: p planned · h handed · r running · w waiting · d done · f failed       e epoch
--   k index of the stage it is at    o owner of the run     v priority level    n hand-out number
--   t when it was handed    x times it was looked at or sent again               g progress, thousandths
--   a failed attempts       p reported deaths               l unreported lapses  m {category, message}
--   c epochs that committed, one a stage                    q "<owner>:<k>" of the last commit
--   z units that commit handed out                          y owner whose death handed it out
--   b pages not to be read any more, `<company>/<digest>`; only suspected: `…?<owner>`
--   f files of each kind that each of c's commits wrote (data/parts.py); absent: version 0.1.0 committed it
local P, op, a = KEYS[1], ARGV[1], cjson.decode(ARGV[2])
local call, enc, dec = redis.call, cjson.encode, cjson.decode
local now = a.now
if not now then
  local t = call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local TERMINAL = { completed = true, failed = true, cancelled = true }
local LIVE = { h = true, r = true, w = true }
local BUSY = { h = true, r = true }
local send = {} -- messages the caller must publish

local function num(v) return tonumber(v) or 0 end
local function job_key(id) return P .. 'job:' .. id end
local function is_part(u) return u:find('^p%d') ~= nil end

-- ---- what must hold before the first write ------------------------------------------------------
-- A script is not rolled back. So an operation first looks whether every key that it may write is of its type, and
-- raises {damaged = key, …} with nothing written otherwise. Full memory, a replica, a full disk refuse its first write.

local STATUSES = { 'pending', 'running', 'retry', 'completed', 'failed', 'cancelled' }
local SIZE = { hash = 'HLEN', zset = 'ZCARD', stream = 'XLEN', list = 'LLEN', string = 'STRLEN' } -- refuse other types

local function damaged(kind, key)
  error({ damaged = key, want = kind, is = call('TYPE', key).ok })
end

-- A read that says which key is damaged.
local function read(kind, command, name, ...)
  local found = redis.pcall(command, P .. name, ...)
  if type(found) == 'table' and found.err then damaged(kind, P .. name) end
  return found
end

local function expect(kind, name)
  if type(redis.pcall(SIZE[kind], P .. name)) ~= 'number' then damaged(kind, P .. name) end
end

-- What every move of a job writes beside `job:` and `units:`, which are read first.
local function expect_own(id)
  expect('zset', 'due')
  expect('stream', 'ev:' .. id)
end

-- What a move writes that hands out its unit again, or `next_units`.
local function expect_handing(id, next_units)
  expect_own(id)
  expect('hash', 'seq')
  if not next_units then return end
  expect('list', 'todo:' .. id)
  expect('zset', 'idx:s:running')
  expect('zset', 'idx:s:retry')
end

-- What all jobs share.
local function expect_shared()
  expect('zset', 'due')
  expect('zset', 'dead')
  for _, status in ipairs(STATUSES) do expect('zset', 'idx:s:' .. status) end
  expect('hash', 'seq')
  expect('hash', 'mark')
  expect('hash', 'ended')
  expect('stream', 'critical')
end

-- What any move of a job may write.
local function expect_all(id, kind)
  expect_shared()
  expect('hash', 'doc:' .. id)
  expect('hash', 'units:' .. id)
  expect('hash', 'hist:' .. kind)
  expect('stream', 'ev:' .. id)
  expect('list', 'todo:' .. id)
end

local function expect_tags(tags)
  for _, tag in ipairs(tags) do expect('zset', 'idx:t:' .. tag) end
end

local function split(text, sep)
  local out = {}
  for word in (text or ''):gmatch('[^' .. sep .. ']+') do out[#out + 1] = word end
  return out
end

local function load(id)
  local flat = read('hash', 'HGETALL', 'job:' .. id)
  if #flat == 0 then return nil end
  local j = { id = id }
  for i = 1, #flat, 2 do j[flat[i]] = flat[i + 1] end
  return j
end

local function set(j, field, value)
  j[field] = tostring(value)
  call('HSET', job_key(j.id), field, value)
end

local function add(j, field, by)
  if by ~= 0 then j[field] = tostring(call('HINCRBY', job_key(j.id), field, by)) end
end

local function get_unit(id, u)
  local v = read('hash', 'HGET', 'units:' .. id, u)
  return v and dec(v) or nil
end

local function load_sound(id)
  local j = load(id)
  if j then expect_all(id, j.kind) end
  return j
end

local function put_unit(id, u, t) call('HSET', P .. 'units:' .. id, u, enc(t)) end
local function due(id, u, at) call('ZADD', P .. 'due', at, id .. '|' .. u) end
local function undue(id, u) call('ZREM', P .. 'due', id .. '|' .. u) end

local function event(id, kind, data)
  call('XADD', P .. 'ev:' .. id, 'MAXLEN', '~', EVENTS_KEPT, '*', 't', kind, 'd', enc(data))
end

local function critical(kind, data)
  call('XADD', P .. 'critical', 'MAXLEN', '~', EVENTS_KEPT, '*', 't', kind, 'd', enc(data))
end

-- ---- the job's own state ------------------------------------------------------------------------

local function set_status(j, status)
  if j.status == status then return end
  call('ZREM', P .. 'idx:s:' .. j.status, j.id)
  call('ZADD', P .. 'idx:s:' .. status, j.created, j.id)
  set(j, 'status', status)
  event(j.id, 'status', { status = status })
end

local function count_ended(j, by)
  call('HINCRBY', P .. 'ended', j.kind .. ':' .. j.status, by)
  call('HINCRBY', P .. 'ended', j.kind .. ':ms', by * num(j.took))
  call('HINCRBY', P .. 'hist:' .. j.kind, j.bucket, by)
end

local function bucket_of(took) return math.floor(math.log(took + 1) / math.log(BUCKET)) end

local function end_job(j, status)
  local took = math.max(0, now - num(j.started ~= '' and j.started or now))
  set(j, 'finished', now)
  set(j, 'took', took)
  set(j, 'bucket', bucket_of(took))
  set(j, 'busy', 0)
  set(j, 'waits', 0)
  if status == 'completed' then set(j, 'pct', 1000) end
  for _, stage in ipairs({ 'launch', 'publish' }) do -- of no use to a reader, and a server holds a million of these
    call('HDEL', job_key(j.id), stage .. ':sa', stage .. ':fa', stage .. ':d', stage .. ':i', stage .. ':o', stage .. ':e')
  end
  call('HDEL', job_key(j.id), 'told')
  set_status(j, status)
  count_ended(j, 1)
  call('ZREM', P .. 'due', j.id .. '|~')
  if status == 'completed' and num(j.coverage) >= 1 then
    for _, name in ipairs({ 'units:', 'ev:', 'todo:' }) do call('EXPIRE', P .. name .. j.id, ENDED_KEPT_S) end
  end
end

-- The share of the whole that is done: every stage of the job weighs the same.
local function set_percent(j)
  local stages, parts = #split(j.stages, ','), #split(j.ps, ',')
  local share = parts / math.max(1, stages)
  local done = 0
  if num(j.pn) > 0 then done = share * num(j.g) / (num(j.pn) * 1000) end
  local steps = #split(j.close, ';')
  if num(j.ci) > 0 and steps > 0 then done = math.max(done, share) + (1 - share) * (num(j.ci) - 1) / steps end
  local pct = math.min(999, math.floor(done * 1000))
  if pct > num(j.pct) then set(j, 'pct', pct) end
end

local function tell_progress(j, force)
  set_percent(j)
  local since = now - num(j.told) -- below 0: the clock went back
  if force or since >= PROGRESS_MS or since < 0 then
    set(j, 'told', now)
    event(j.id, 'progress', { pct = num(j.pct), message = j.msg, pages = num(j.pages), done = num(j.pd) + num(j.pf), total = num(j.pn) })
  end
end

-- ---- units ---------------------------------------------------------------------------------------

local function stages_of(j, u)
  if is_part(u) then return split((j.ps or '') ~= '' and j.ps or '?', ',') end -- '?': refused, there is no such stage
  return { u:match('^[^:]+') or '?' }
end

-- Changes a unit's state and keeps the job's count of busy and waiting units, and so its status, true.
local function move(j, u, t, to)
  local from = t.s
  t.s = to
  add(j, 'busy', (BUSY[to] and 1 or 0) - (BUSY[from] and 1 or 0))
  add(j, 'waits', (to == 'w' and 1 or 0) - (from == 'w' and 1 or 0))
  if not LIVE[to] then undue(j.id, u) end
  if j.status == 'running' or j.status == 'retry' then
    set_status(j, (num(j.busy) == 0 and num(j.waits) > 0) and 'retry' or 'running')
  end
end

local function message(j, u, t)
  local stage = stages_of(j, u)[t.k + 1]
  send[#send + 1] = {
    job = j.id, unit = u, epoch = t.e, index = t.k, level = t.v, stage = stage,
    stages = is_part(u) and j.ps or nil, close = (not is_part(u) and u ~= 'launch') and j.close or nil,
  }
end

local function number(j, u, t)
  t.n = call('HINCRBY', P .. 'seq', stages_of(j, u)[t.k + 1] .. ':' .. t.v, 1)
end

-- Hands a unit out at its present stage. `front`: before everything else of its priority.
local function hand(j, u, t, front)
  t.v = 2 * num(j.prio) + (front and 0 or 1)
  t.o, t.x, t.t = nil, nil, now
  number(j, u, t)
  move(j, u, t, 'h')
  due(j.id, u, now + HANDOUT_MS)
  put_unit(j.id, u, t)
  message(j, u, t)
end

local function start_step(j, i)
  local steps = split(j.close, ';')
  local units = split(steps[i] or 'publish', ',') -- whatever the record says, a job ends with it
  for _, u in ipairs(units) do
    if is_part(u) or u == 'launch' then -- these were before: the job would never end
      set(j, 'category', 'data')
      call('HSET', P .. 'doc:' .. j.id, 'error', "the job's record is wrong: close: " .. u)
      return end_job(j, 'failed')
    end
  end
  set(j, 'ci', i)
  set(j, 'cn', #units)
  for _, u in ipairs(units) do
    local t = get_unit(j.id, u) or { s = 'p', e = 0 }
    t.e, t.k, t.m = t.e + 1, 0, nil
    hand(j, u, t, true)
  end
end

local function start_close(j) start_step(j, 1) end
local function start_publish(j) start_step(j, #split(j.close, ';')) end

-- Partitions that the deadline struck before they were handed out. A resume takes them up again (`dpx`).
local function give_up_unhanded(j)
  local left = num(j.pn) - num(j.px)
  if left <= 0 then return end
  if not j.dpx then set(j, 'dpx', j.px) end
  add(j, 'pf', left)
  set(j, 'px', j.pn)
end

local function launch_ended(j)
  local t = get_unit(j.id, 'launch')
  return not t or not LIVE[t.s]
end

-- Fills the window; the last partition that ends hands out the close.
local function hand_next(j)
  if j.struck then give_up_unhanded(j) end
  while not j.struck and num(j.win) < num(j.w) do
    local u = call('LPOP', P .. 'todo:' .. j.id)
    if not u then
      if num(j.px) >= num(j.pn) then break end
      u = 'p' .. j.px
      add(j, 'px', 1)
    end
    local t = get_unit(j.id, u) or { s = 'p', e = 1, k = 0 }
    add(j, 'win', 1)
    hand(j, u, t, false)
  end
  if num(j.win) == 0 and num(j.ci) == 0 and launch_ended(j) then start_close(j) end
end

-- What follows the end of a unit, whichever way it ended.
local function ended(j, u, failed)
  if is_part(u) then
    add(j, 'win', -1)
    add(j, failed and 'pf' or 'pd', 1)
    hand_next(j)
  elseif u == 'launch' then
    if failed then start_publish(j) else hand_next(j) end
  elseif u == 'publish' then
    end_job(j, (failed or (j.category or '') ~= '') and 'failed' or a.status)
  else
    add(j, 'cn', -1)
    if failed and not u:find('^render:') then
      if num(j.ci) < #split(j.close, ';') then start_publish(j) else end_job(j, 'failed') end
    elseif num(j.cn) == 0 then
      start_step(j, num(j.ci) + 1)
    end
  end
end

local function fail_unit(j, u, t, category, text)
  local stage = stages_of(j, u)[t.k + 1]
  t.m = { category, text }
  t.o = nil
  move(j, u, t, 'f')
  put_unit(j.id, u, t)
  add(j, stage .. ':f', 1)
  set(j, stage .. ':fa', now)
  event(j.id, 'unit', { unit = u, stage = stage, state = 'failed', category = category, error = text })
  call('ZADD', P .. 'dead', now, j.id .. '|' .. u)
  if category == 'poison' then critical('poison', { job = j.id, unit = u, stage = stage, error = text }) end
  if not is_part(u) and (j.category or '') == '' and not u:find('^render:') then
    set(j, 'category', category)
    call('HSET', P .. 'doc:' .. j.id, 'error', text)
  end
  ended(j, u, true)
end

-- After its deadline a job hands out its close and nothing else.
local function given_up(j, u) return j.struck and (is_part(u) or u == 'launch') end

local function fail_by_deadline(j, u, t)
  local text = DEADLINE_STRUCK
  if t.m then text = text .. '; the last try failed: ' .. t.m[2] end
  fail_unit(j, u, t, 'deadline', text)
end

-- A fresh epoch for the unit: whoever held it before can neither commit nor publish any more. It goes to the front of
-- its queue, unless it has to stand at the `back`.
local function hand_again(j, u, t, back)
  t.e = t.e + 1
  if given_up(j, u) then fail_by_deadline(j, u, t) else hand(j, u, t, not back) end
end

local function progress_to(j, t, g)
  if g > num(t.g) then
    add(j, 'g', g - num(t.g))
    t.g = g
  end
end

-- The unit if this run still holds it, else nil and what to answer.
local function held(j, u)
  if not j then return nil, 'gone' end
  if TERMINAL[j.status] then return nil, 'ended' end
  local t = get_unit(j.id, u)
  if not t or t.s ~= 'r' or t.o ~= a.owner or (a.epoch and t.e ~= a.epoch) then return nil, 'stale', t end
  return t
end

-- Keeps in an ended unit what its end handed out, for whoever has to send it once more.
local function remember_sent(j, u, t)
  if #send == 0 then return end
  t.z = {}
  for i, m in ipairs(send) do t.z[i] = m.unit end
  put_unit(j.id, u, t)
end

local function again(j, t)
  for _, name in ipairs(t.z or {}) do
    local other = get_unit(j.id, name)
    if other and other.s == 'h' and not other.x then message(j, name, other) end
  end
end

local ops = {}

-- ---- operations ------------------------------------------------------------------------------------
-- Each is sent with the functions between it and the one before, and without the others (data/jobs.py).

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

function ops.submit()
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

function ops.begin()
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

function ops.renew()
  local j = load(a.job)
  local t, no = held(j, a.unit)
  if not t then return { no = no } end
  expect_own(a.job)
  due(a.job, a.unit, now + LEASE_MS)
  if a.g then
    progress_to(j, t, a.g)
    put_unit(a.job, a.unit, t)
    if a.message then set(j, 'msg', a.message) end
    add(j, 'pages', num(a.pages))
    tell_progress(j, false)
  end
  return { ok = true }
end

function ops.commit()
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

-- The stage raised. `max`, `base`, `cap` (ms) come from leadmill/errors.py, `jitter` is the caller's random number.
function ops.fail()
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

-- A handed unit that names no stage there is: no message can be made of it, so nobody would ever run it.
function ops.refuse()
  local j = load_sound(a.job)
  if not j then return { no = 'gone' } end
  if TERMINAL[j.status] then return { no = 'ended' } end
  local t = get_unit(a.job, a.unit)
  if not t or t.s ~= 'h' then return { no = 'stale' } end
  fail_unit(j, a.unit, t, 'data', a.error)
  return { ok = true }
end

-- A shutdown gives the unit back; it costs no attempt.
function ops.release()
  local j = load_sound(a.job)
  local t, no = held(j, a.unit)
  if not t then return { no = no } end
  hand_again(j, a.unit, t)
  return { ok = true }
end

-- Whether a page explains the death of the process that had begun it: `sure`, or for the second time. The first death
-- that nobody can explain (a kill from outside hits innocent pages) counts as any other until the page is confirmed.
-- With a unit's process dead for nothing as often as the run went on company by company, the next name is believed.
local function explained(t, page, sure)
  t.b = t.b or {}
  sure = sure or num(t.p) >= ALONE_DEATHS
  for i, known in ipairs(t.b) do
    if known == page then return false end -- the stage was told to leave it out, and did not
    if known:sub(1, #page + 1) == page .. '?' then
      if not sure and known:sub(#page + 2) == a.owner then return false end
      t.b[i] = page
      t.p = num(t.p) > 1 and t.p - 1 or nil
      return true
    end
  end
  if #t.b >= MAX_NAMED then return false end
  t.b[#t.b + 1] = sure and page or page .. '?' .. a.owner
  return sure
end

-- The parent of a pool child reports that it died (or the child, just before). What it had committed, or what its
-- own report handed out, but had not sent goes out now. `lapsed`: the parent killed what had lost its lease at a page.
function ops.died()
  local j = load_sound(a.job)
  if not j or TERMINAL[j.status] then return { no = 'ended' } end
  local t = get_unit(a.job, a.unit)
  if not t then return { no = 'gone' } end
  local mine = t.q and t.q:sub(1, #a.owner + 1) == a.owner .. ':'
  if t.s == 'r' and t.o == a.owner then
    t.y = a.owner
    local own_fault = a.page and explained(t, a.page, a.sure)
    if not own_fault then t.p = num(t.p) + 1 end
    if num(t.p) >= MAX_DEATHS then
      fail_unit(j, a.unit, t, 'poison', a.error .. ' (' .. t.p .. ' times); set aside')
      remember_sent(j, a.unit, t)
    else
      t.m = { 'system', a.error }
      event(a.job, 'unit', { unit = a.unit, state = 'died', error = a.error, deaths = num(t.p), page = a.page })
      hand_again(j, a.unit, t, own_fault) -- a unit full of such pages would keep its neighbours waiting
      if t.s == 'f' then remember_sent(j, a.unit, t) end
    end
  elseif a.lapsed then
    if LIVE[t.s] then
      if explained(t, a.page, a.sure) then t.l = num(t.l) > 1 and t.l - 1 or nil end
      put_unit(a.job, a.unit, t)
    end
  elseif (mine or t.y == a.owner) and t.s == 'h' and not t.x then
    message(j, a.unit, t)
  elseif (mine and t.s == 'd') or (t.y == a.owner and t.s == 'f') then
    again(j, t)
  else
    return { no = 'stale' }
  end
  return { ok = true }
end

-- Gives up what has not begun. What runs goes on to the end of its stage: a running launch leads straight to the close.
local function strike_deadline(j)
  set(j, 'struck', now)
  call('DEL', P .. 'todo:' .. j.id)
  local flat = call('HGETALL', P .. 'units:' .. j.id)
  for i = 1, #flat, 2 do
    local u, t = flat[i], flat[i + 1]
    if (is_part(u) or u == 'launch') and t:find('"s":"[phw]"') then
      t = dec(t)
      if is_part(u) and t.s == 'p' then add(j, 'win', 1) end -- planned again by a resume: it held no place
      fail_by_deadline(j, u, t)
    end
  end
  hand_next(j)
end

-- A handed unit is lost when its queue holds nothing of its level, or when a later one has begun.
local function look_at_handed(j, u, t)
  local field = stages_of(j, u)[t.k + 1] .. ':' .. t.v
  local lost = not a.queued[field] or num(call('HGET', P .. 'mark', field)) > t.n
  t.x = num(t.x) + 1
  local promoted = 2 * num(j.prio) + 1 - t.v
  local aged = not lost and t.v > 2 and now - t.t >= AGING_MS * (1 + promoted)
  if lost or aged then
    if aged then t.v = t.v - 1 end
    number(j, u, t)
    message(j, u, t)
  end
  due(j.id, u, now + math.min(HANDOUT_MAX_MS, HANDOUT_MS * 2 ^ t.x))
  put_unit(j.id, u, t)
end

local function look_at(j, u, t)
  if t.s == 'h' then
    look_at_handed(j, u, t)
  elseif t.s == 'w' then
    hand(j, u, t, num(t.a) > 0)
  elseif t.s == 'r' then
    t.l = num(t.l) + 1
    event(j.id, 'unit', { unit = u, state = 'lapsed', lapses = t.l })
    if t.l >= MAX_LAPSES then
      fail_unit(j, u, t, 'poison', 'its workers vanished ' .. t.l .. ' times; set aside')
    else
      hand_again(j, u, t)
    end
  else
    undue(j.id, u)
  end
end

-- After an outage running leases have lapsed although their workers live: give them time to renew. Not those
-- that were not renewed any more while the claims (until `last`) still went on: nobody lives behind them.
local function spare_running(last)
  local all = call('ZRANGE', P .. 'due', 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    local id, u = all[i]:match('^([^|]+)|(.+)$')
    local lease_end = num(all[i + 1])
    local spare = u ~= '~' and lease_end - LEASE_MS >= last - SPARE_MS
    local ok, t = pcall(get_unit, id, spare and u or '')
    if ok and t and t.s == 'r' then due(id, u, math.max(lease_end, now + SPARE_MS)) end
  end
end

-- Those of a worker's runs ({job, unit, owner}) that it does not hold any more: {place in the list, ms since the
-- job ended}; -1: the job goes on, and the unit was taken over, handed over or ended without that run.
local function lost_runs(runs)
  local lost = {}
  for i, run in ipairs(runs) do
    local status, finished = unpack(redis.pcall('HMGET', job_key(run[1]), 'status', 'finished'))
    local ok, t = pcall(get_unit, run[1], run[2])
    if not ok or status == nil then -- damaged: its own renewal says so
    elseif not status or TERMINAL[status] then
      lost[#lost + 1] = { i - 1, status and math.max(0, now - num(finished)) or -1 }
    elseif not t or t.s ~= 'r' or t.o ~= run[3] then
      lost[#lost + 1] = { i - 1, -1 }
    end
  end
  return #lost > 0 and lost or nil
end

-- The clock went back since the last claim. What counts from an event (a hand-out, a lease, a pause before a retry) is
-- pulled in, or a dead worker's units would be looked at when the clock is there again. `run_at` and deadlines are wall
-- times and stay. A lease or hand-out given since the step is in its bounds already.
local function pull_in(last)
  local all = call('ZRANGE', P .. 'due', 0, -1, 'WITHSCORES')
  for i = 1, #all, 2 do
    local id, u = all[i]:match('^([^|]+)|(.+)$')
    local at, latest = num(all[i + 1]), nil
    local ok, t = pcall(get_unit, id, u)
    if not ok or not t then
      latest = nil
    elseif t.s == 'r' then
      latest = now + LEASE_MS
    elseif t.s == 'h' then
      latest = now + math.min(HANDOUT_MAX_MS, HANDOUT_MS * 2 ^ num(t.x))
      if num(t.t) > now then
        t.t = now
        put_unit(id, u, t)
      end
    elseif t.s == 'w' and num(t.a) > 0 then
      latest = math.max(now, at - (last - now))
    end
    if latest and at > latest then due(id, u, latest) end
  end
  for _, node in ipairs(call('ZRANGEBYSCORE', P .. 'workers', '(' .. now, '+inf')) do
    call('ZADD', P .. 'workers', now, node)
  end
  call('ZREMRANGEBYSCORE', P .. 'aside', '(' .. now, '+inf')
  critical('clock_went_back', { ms = last - now })
end

local function look_at_member(member)
  local id, u = member:match('^([^|]+)|(.+)$')
  local j = load(id)
  if not j or TERMINAL[j.status] then
    call('ZREM', P .. 'due', member)
    return
  end
  expect_all(id, j.kind)
  if u == '~' then
    call('ZREM', P .. 'due', member)
    if num(j.ci) == 0 then strike_deadline(j) end
  else
    local t = get_unit(id, u)
    if t then look_at(j, u, t) else call('ZREM', P .. 'due', member) end
  end
end

-- A job that cannot be looked at does not keep the others waiting: it is looked at again later, and told once an hour.
local function set_aside(member, why)
  local id = member:match('^[^|]+')
  call('ZADD', P .. 'due', now + ASIDE_MS, member)
  call('ZREMRANGEBYSCORE', P .. 'aside', '-inf', now - TELL_AGAIN_MS)
  if call('ZADD', P .. 'aside', 'NX', now, id) == 1 then
    local text = type(why) == 'table' and (why.damaged or why.err) or why
    critical('damaged_record', { job = id, key = why.damaged, error = tostring(text) })
  end
end

-- One tick of one worker's reconciler: says that the worker lives and takes what is due.
function ops.claim()
  expect_shared()
  expect('zset', 'workers')
  expect('zset', 'aside')
  expect('hash', 'worker')
  expect('string', 'claimed')
  expect('string', 'generation')
  if a.node then
    call('ZADD', P .. 'workers', now, a.node)
    if a.about then call('HSET', P .. 'worker', a.node, a.about) end
  end
  local last = num(call('GET', P .. 'claimed'))
  call('SET', P .. 'claimed', now)
  if last > 0 and now - last > OUTAGE_MS then spare_running(last) end
  if last - now > BACK_MS then pull_in(last) end
  for _, member in ipairs(call('ZRANGEBYSCORE', P .. 'due', '-inf', now, 'LIMIT', 0, a.limit)) do
    local sent = #send
    local ok, why = pcall(look_at_member, member)
    if not ok then
      for i = #send, sent + 1, -1 do send[i] = nil end
      set_aside(member, why)
    end
  end
  return { ok = true, generation = call('GET', P .. 'generation'), lost = a.runs and lost_runs(a.runs) }
end

function ops.leave()
  expect('zset', 'workers')
  expect('hash', 'worker')
  call('ZREM', P .. 'workers', a.node)
  call('HDEL', P .. 'worker', a.node)
  return { ok = true }
end

function ops.cancel()
  local j = load_sound(a.job)
  if not j then return { no = 'gone' } end
  if TERMINAL[j.status] then return { no = j.status } end
  local flat = call('HGETALL', P .. 'units:' .. j.id)
  for i = 1, #flat, 2 do
    if flat[i + 1]:find('"s":"[hrw]"') then
      local t = dec(flat[i + 1])
      t.o = nil
      t.s = 'p'
      undue(j.id, flat[i])
      put_unit(j.id, flat[i], t)
    end
  end
  set(j, 'win', 0)
  end_job(j, 'cancelled')
  return { ok = true }
end

-- Stages that run once a job: all but those of the partitions.
local function once_stages(j)
  local out, parts = { 'launch', 'render', 'publish' }, ',' .. j.ps .. ','
  for _, stage in ipairs(split(j.stages, ',')) do
    if not parts:find(',' .. stage .. ',', 1, true) then out[#out + 1] = stage end
  end
  return out
end

-- Everything that is not done is planned again with a fresh epoch; launch runs first and extends the plan.
function ops.resume()
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

-- Puts a job back that an emptied server has lost; the caller made its fields and units from the lake.
function ops.restore()
  if load(a.job) then return { no = 'known' } end
  expect_all(a.job, a.fields.kind)
  expect('zset', 'idx:k:' .. a.fields.kind)
  expect_tags(dec(a.fields.tags or '[]'))
  for name, value in pairs(a.fields) do call('HSET', job_key(a.job), name, value) end
  for name, value in pairs(a.doc) do call('HSET', P .. 'doc:' .. a.job, name, value) end
  for u, t in pairs(a.units) do put_unit(a.job, u, t) end
  local j = load(a.job)
  set(j, 'bucket', bucket_of(num(j.took)))
  call('ZADD', P .. 'idx:s:' .. j.status, j.created, j.id)
  call('ZADD', P .. 'idx:k:' .. j.kind, j.created, j.id)
  for _, tag in ipairs(dec(j.tags or '[]')) do call('ZADD', P .. 'idx:t:' .. tag, j.created, j.id) end
  count_ended(j, 1)
  event(j.id, 'status', { status = j.status })
  return { ok = true }
end

-- Takes an ended job out of Redis (it lives on in the lake).
function ops.forget()
  local j = load_sound(a.job)
  if not j then return { no = 'gone' } end
  if not TERMINAL[j.status] then return { no = j.status } end
  expect('zset', 'idx:k:' .. j.kind)
  expect_tags(dec(j.tags or '[]'))
  call('ZREM', P .. 'idx:s:' .. j.status, j.id)
  call('ZREM', P .. 'idx:k:' .. j.kind, j.id)
  for _, tag in ipairs(dec(j.tags or '[]')) do call('ZREM', P .. 'idx:t:' .. tag, j.id) end
  call('HINCRBY', P .. 'ended', j.kind .. ':forgotten', 1)
  call('DEL', job_key(j.id), P .. 'doc:' .. j.id, P .. 'units:' .. j.id, P .. 'ev:' .. j.id, P .. 'todo:' .. j.id)
  return { ok = true }
end

-- ---- the call ------------------------------------------------------------------------------------
local made, answer = pcall(function()
  -- A stranger changes nothing. An emptied server takes the lake of whoever works: its connection was checked.
  local lake = ARGV[3] or ''
  local bound = lake ~= '' and read('string', 'GET', 'lake')
  if lake ~= '' and not bound then call('SET', P .. 'lake', lake) end
  if bound and bound ~= lake then return { foreign = bound } end
  return ops[op]()
end)
if not made then
  if type(answer) ~= 'table' or not answer.damaged then error(answer, 0) end
  send = {}
end
answer.send = #send > 0 and send or nil
answer.now = now
return enc(answer)
