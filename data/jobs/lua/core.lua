-- Every change of a job record, one operation a call. Atomic, and timed by the server's clock.
--   KEYS[1] key prefix · ARGV[1] operation · ARGV[2] its arguments as JSON · ARGV[3] the caller's lake → one JSON object
-- This file, job.lua, unit.lua, the operation's own file and end.lua are one script (data/jobs/script.py, which also
-- puts the limits, LEASE_MS …, in front). What each key holds is said in data/jobs/__init__.py.
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
local P, a = KEYS[1], cjson.decode(ARGV[2])
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

-- What must hold before the first write. A script is not rolled back. So an operation first looks whether every key
-- that it may write is of its type, and raises {damaged = key, …} with nothing written otherwise. Full memory, a
-- replica, a full disk refuse its first write.

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
