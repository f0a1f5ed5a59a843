-- A change of a job record: one operation a call, atomic, and timed by the server's clock.
--   KEYS[1] key prefix · ARGV[1] operation · ARGV[2] its arguments as JSON · ARGV[3] the caller's lake → one JSON object
-- This file, limits.lua, ring.lua, job.lua, unit.lua, turns.lua, the operation's own file and end.lua are one script
-- (data/jobs/script.py). In front of them stand the limits (LEASE_MS …), the legal moves, and the fields under which Redis keeps what a record holds
-- (`job[PARTITIONS]`, `unit[EPOCH]`): data/jobs/model.py and record.py. What each key holds is said in __init__.py.
--
-- Decide, then write. A script is not rolled back, so nothing is written while an operation decides: `set`, `put_unit`
-- and `write` note what is to be done. At the end `flush` looks whether every key is of its type, and does it all. Whoever raises an error before has changed nothing. Full memory, a replica and a full disk
-- refuse the first write. A decision is about one job; what it left room for is given away by further ones (turns.lua).
local P, args = KEYS[1], cjson.decode(ARGV[2])
local project = args.project -- of the job that the decision is about; nil: the default one
local scope = project and 'p:' .. project .. ':' or '' -- in front of each key that a project has for itself
local call, enc, dec = redis.call, cjson.encode, cjson.decode
local now = args.now
if not now then
  local t = call('TIME')
  now = t[1] * 1000 + math.floor(t[2] / 1000)
end
local TERMINAL = { completed = true, failed = true, cancelled = true }
local SIZE = { hash = 'HLEN', zset = 'ZCARD', stream = 'XLEN', list = 'LLEN', string = 'STRLEN', set = 'SCARD' } -- refuse other types
local send = {} -- messages the caller must publish
local dead = {} -- units that failed for good: {job, unit, stage, category, error}; the first of many
local typed = {} -- keys that are known to be of their type

local subject -- the id of the job that the decision is about
local changed, removed = {}, nil -- fields of its record: field → value; and those to be removed
local units, units_changed = {}, {} -- units that were read or made: name → state; and names of those to be written, in
-- the order in which Redis will list them, and name → true
local numbers -- last hand-out numbers, by stage and level
-- {type, key, command, …}; {type, key} of what is removed before that; notices by kind: {their write, their body}
local writes, drops, noticed = {}, nil, nil
local moved -- the status that the job came to; 'gone': it left Redis
local counted -- what metrics grow by (data/jobs/metrics.py): field → number
local taken_places, shifts -- how many partitions are at a queue, once asked, and how many more: queue → number
local freed -- at which queues there is room, or somebody in line, that was not there before, in any decision of this call

-- Forgets what was decided, or begins with another job.
local function decide_anew()
  subject, changed, units, units_changed, writes = nil, {}, {}, {}, {}
  removed, numbers, drops, noticed, moved, counted, taken_places, shifts = nil, nil, nil, nil, nil, nil, nil, nil
end

local function num(value) return tonumber(value) or 0 end
local function is_part(name) return name:find('^p%d') ~= nil end

local function split(text, sep)
  local out = {}
  for word in (text or ''):gmatch('[^' .. sep .. ']+') do out[#out + 1] = word end
  return out
end

-- ---- reading ----

local function damaged(kind, key)
  error({ damaged = P .. key, want = kind, is = call('TYPE', P .. key).ok })
end

-- A read that says which key is damaged.
local function read(kind, command, key, ...)
  local found = redis.pcall(command, P .. key, ...)
  if type(found) == 'table' and found.err then damaged(kind, key) end
  typed[key] = true
  return found
end

local function expect(kind, key)
  if typed[key] then return end
  if type(redis.pcall(SIZE[kind], P .. key)) ~= 'number' then damaged(kind, key) end
  typed[key] = true
end

-- The record of the job that is decided about: its fields, and `id`.
local function load(id)
  local flat = read('hash', 'HGETALL', scope .. 'job:' .. id)
  if #flat == 0 then return nil end
  local job = { id = id }
  for i = 1, #flat, 2 do job[flat[i]] = flat[i + 1] end
  subject = id
  return job
end

-- A unit from what is stored. Whatever else lies there, a text or a number, is damaged.
local function unit_in(state)
  local unit = dec(state)
  if type(unit) ~= 'table' then error('a unit is no object: ' .. state:sub(1, 100)) end
  return unit
end

-- Turns to the keys of a project; nil: the default one's.
local function of_project(name)
  project, scope = name, name and 'p:' .. name .. ':' or ''
end

-- Turns to the project of a job that the default one has not; whether there is one.
local function elsewhere(id)
  of_project(read('hash', 'HGET', 'project_of', id) or nil)
  return project ~= nil
end

-- The record of a job that a message or a due entry names, whichever project it is of.
local function find(id)
  if args.project then return load(id) end
  of_project(nil)
  local job = load(id)
  if not job and elsewhere(id) then job = load(id) end
  return job
end

local function read_unit(id, name)
  local state = read('hash', 'HGET', scope .. 'units:' .. id, name)
  return state and unit_in(state) or nil
end

-- A unit of the job that is decided about.
local function get_unit(name)
  local unit = units[name]
  if not unit then
    unit = read_unit(subject, name)
    units[name] = unit
  end
  return unit
end

-- Names of all of them, as Redis lists them. With `readable` those that cannot be read are passed over.
local function all_units(readable)
  local names, flat = {}, read('hash', 'HGETALL', scope .. 'units:' .. subject)
  for i = 1, #flat, 2 do
    local ok, unit = true, units[flat[i]]
    if not unit then ok, unit = pcall(unit_in, flat[i + 1]) end
    if ok then
      names[#names + 1] = flat[i]
      units[flat[i]] = unit
    elseif not readable then
      error(unit, 0)
    end
  end
  return names
end

-- Names of those of a live job that are on their way, and maybe of others: each has a due entry. With `planned` those
-- too that a resume planned again: each stands in `todo`. Of a few all are looked at, which finds them whatever the
-- record lacks. One that cannot be read is passed over: a cancel and a deadline end the job all the same.
local function open_units(planned)
  if read('hash', 'HLEN', scope .. 'units:' .. subject) <= MANY_UNITS then return all_units(true) end
  local names, start = planned and read('list', 'LRANGE', scope .. 'todo:' .. subject, 0, -1) or {}, subject .. '|'
  for _, member in ipairs(read('zset', 'ZRANGE', 'due', 0, -1)) do
    local name = member:sub(1, #start) == start and member:sub(#start + 1)
    if name and pcall(get_unit, name) then names[#names + 1] = name end
  end
  return names
end

-- ---- deciding ----

local function set(job, field, value)
  job[field], changed[field] = value, value
end

local function add(job, field, by)
  if by ~= 0 then set(job, field, num(job[field]) + by) end
end

-- Removes fields; they are not set again in the same decision.
local function unset(job, ...)
  removed = removed or {}
  for _, field in ipairs({ ... }) do
    if job[field] ~= nil then
      job[field] = nil
      removed[#removed + 1] = field
    end
  end
end

local function put_unit(name, unit)
  units[name] = unit
  if units_changed[name] then return end
  units_changed[name] = true
  units_changed[#units_changed + 1] = name
end

local function write(kind, key, command, ...) writes[#writes + 1] = { kind, key, command, ... } end

-- The same command for very many members, in calls that take so many.
local function write_each(kind, key, command, members)
  for i = 1, #members, 1000 do write(kind, key, command, unpack(members, i, math.min(i + 999, #members))) end
end

local function drop(kind, key)
  drops = drops or {}
  drops[#drops + 1] = { kind, key }
end

local function due(name, at) write('zset', 'due', 'ZADD', at, subject .. '|' .. name) end
local function undue(name) write('zset', 'due', 'ZREM', subject .. '|' .. name) end

local function event(kind, data)
  write('stream', scope .. 'ev:' .. subject, 'XADD', 'MAXLEN', '~', EVENTS_KEPT, '*', 't', kind, 'd', enc(data))
end

local function critical(kind, data)
  write('stream', scope .. 'critical', 'XADD', 'MAXLEN', '~', EVENTS_KEPT, '*', 't', kind, 'd', enc(data))
end

-- ---- metrics (data/jobs/metrics.py) ----

-- Lets a metric of the job's project grow.
local function meter(field, by)
  if by == 0 then return end
  counted = counted or {}
  counted[field] = (counted[field] or 0) + by
end

-- Puts a time (ms) into a metric's histogram, by upper bounds in ms.
local function observe(field, bounds, ms)
  local bucket = 1
  while bounds[bucket] and ms > bounds[bucket] do bucket = bucket + 1 end
  meter(field .. ':' .. bucket, 1)
  meter(field .. ':ms', ms)
end

-- ---- notices (leadmill/notices.py) ----

-- Whether somebody listens to one of these kinds. A key of another type is nobody: no move fails for a notice.
local function is_wanted(...)
  local found = redis.pcall('HMGET', P .. 'notices_wanted', ...)
  for i = 1, found.err and 0 or #found do
    if found[i] then return true end
  end
  return false
end

local function note_lost(more)
  local lost = redis.pcall('GET', P .. 'notices_lost')
  if type(lost) ~= 'table' then write('string', 'notices_lost', 'SET', num(lost) + more) end
end

-- The outbox is emptied by deliverers. Of one that nobody empties the oldest go, those of no weight first; it is counted.
local function make_room_for_notices(waiting)
  local ids = {}
  for _, entry in ipairs(call('XRANGE', P .. 'notices', '-', '+')) do
    if entry[2][1] == 'info' and #ids < NOTICES_DROPPED then ids[#ids + 1] = entry[1] end
  end
  write_each('stream', 'notices', 'XDEL', ids)
  write('stream', 'notices', 'XTRIM', 'MAXLEN', '=', NOTICES_KEPT - NOTICES_DROPPED)
  note_lost(waiting - NOTICES_KEPT + NOTICES_DROPPED)
end

-- A text without what is longer, whole letters only.
local function short(text)
  if type(text) ~= 'string' or #text <= TOLD_BYTES then return text end
  local most, behind = TOLD_BYTES, text:byte(TOLD_BYTES + 1)
  while most > 0 and behind >= 128 and behind < 192 do -- amid a letter
    behind, most = text:byte(most), most - 1
  end
  return text:sub(1, most)
end

-- What somebody should hear of, where one of the kinds `heard` is listened to, or its job asked to be told. Of one kind
-- there is one notice a decision: further units are counted in it.
local function notice(kind, about, heard, job, asked)
  local known = noticed and noticed[kind]
  if known then
    known.body.about.units = num(known.body.about.units) + 1
    known.write[#known.write] = enc(known.body)
    return
  end
  if not asked and not is_wanted(unpack(heard)) then return end
  local waiting = redis.pcall('XLEN', P .. 'notices')
  if type(waiting) ~= 'number' then return end -- a key of another type
  if waiting >= NOTICES_KEPT and not noticed then make_room_for_notices(waiting) end
  about.error = short(about.error)
  local body = { kind = kind, project = project, about = about, asked = asked }
  if job then body.job, body.tags = job.id, job.tags end
  local weight = (INFO_NOTICES):find(' ' .. kind .. ' ', 1, true) and 'info' or 'more'
  write('stream', 'notices', 'XADD', '*', weight, enc(body))
  meter('notices:' .. kind, 1)
  noticed = noticed or {}
  noticed[kind] = { write = writes[#writes], body = body }
end

-- Whether a move is one of those that data/jobs/model.py allows (` <from>><to> …`); else the operation is refused.
local function must_be_legal(moves, from, to)
  if not moves:find(' ' .. from .. '>' .. to .. ' ', 1, true) then error({ illegal = from .. '>' .. to }) end
end

-- ---- writing ----

-- One write for all that a decision counted. No move fails of a metric: a hash that something else has written over, and
-- a number that is none, cost what they count.
local function write_metrics()
  local fields, values = {}, {}
  for field in pairs(counted) do fields[#fields + 1] = field end
  local before = redis.pcall('HMGET', P .. scope .. 'metrics', unpack(fields))
  if before.err then return end
  for i, field in ipairs(fields) do
    local known = num(before[i])
    values[2 * i - 1] = field
    values[2 * i] = (known >= 0 and known < MOST_COUNTED and known or 0) + counted[field]
  end
  call('HSET', P .. scope .. 'metrics', unpack(values))
end

-- A stream goes on from its last entry's time. Of one that somebody brought to the end of all times nothing would be
-- read, and no move would get through: it begins anew.
local function add_to_stream(key, ...)
  local id = redis.pcall('XADD', key, ...)
  local is_spent = type(id) == 'table' and id.err:find('exhausted', 1, true)
  if type(id) == 'table' and not is_spent then error(id) end
  if not is_spent and #id:match('^%d+') <= TIME_DIGITS then return end
  if key == P .. 'notices' then redis.pcall('INCRBY', P .. 'notices_lost', call('XLEN', key) - (is_spent and 0 or 1)) end
  call('DEL', key)
  call('XADD', key, ...)
end

-- Looks at every key that is to be written, then writes.
local function flush()
  local fields = {} -- each once, however often it was set: a call takes 8,000 values at most
  for field, value in pairs(changed) do
    fields[#fields + 1] = field
    fields[#fields + 1] = value
  end
  if #fields > 0 then expect('hash', scope .. 'job:' .. subject) end
  if #units_changed > 0 then expect('hash', scope .. 'units:' .. subject) end
  for _, it in ipairs(writes) do expect(it[1], it[2]) end
  if drops then
    for _, it in ipairs(drops) do expect(it[1], it[2]) end
    for _, it in ipairs(drops) do call('DEL', P .. it[2]) end
  end
  if #fields > 0 then call('HSET', P .. scope .. 'job:' .. subject, unpack(fields)) end
  if removed and #removed > 0 then call('HDEL', P .. scope .. 'job:' .. subject, unpack(removed)) end
  for i = 1, #units_changed, 1000 do
    local states = {}
    for k = i, math.min(i + 999, #units_changed) do
      states[#states + 1] = units_changed[k]
      states[#states + 1] = enc(units[units_changed[k]])
    end
    call('HSET', P .. scope .. 'units:' .. subject, unpack(states))
  end
  if numbers then
    local given = {}
    for field, n in pairs(numbers) do
      given[#given + 1] = field
      given[#given + 1] = n
    end
    call('HSET', P .. 'seq', unpack(given))
  end
  for _, it in ipairs(writes) do
    if it[3] == 'XADD' then add_to_stream(P .. it[2], unpack(it, 4)) else call(it[3], P .. it[2], unpack(it, 4)) end
  end
  if counted then write_metrics() end
  -- Who reads it looks at every job where it is none: no move fails of it.
  if moved then
    redis.pcall('XADD', P .. scope .. 'moves', 'MAXLEN', '~', MOVES_KEPT, '*', 'job', subject, 'status', moved)
  end
end

-- Ends one of the decisions of an operation that makes several.
local function write_down()
  flush()
  decide_anew()
end
