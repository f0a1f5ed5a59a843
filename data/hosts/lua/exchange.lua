-- One exchange of a crawl with what all crawls share of hosts: says what it has learnt, gives back, prolongs, takes.
-- KEYS[1]: the prefix. ARGV[1]: { unit, run, agent, hosts = [{ h, leave, origins, d, n, q, ok, f, why, robots }] }.
-- What each key holds is said in data/hosts/__init__.py. Whatever stands there may have been written by anybody: a
-- state that is none counts as none, a key of another type is told of its host alone.

local P, ask = KEYS[1], cjson.decode(ARGV[1])
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)

-- A number of a state; 0 where it is none, or out of bounds (`inf` and `nan` are numbers, too, and no JSON).
local function number(value, most)
  local n = tonumber(value) or 0
  return n >= 0 and n <= most and n or 0
end

-- A time of a state, ms; none where it lies further ahead than it can: the clock was set back.
local function at(value, most) return number(value, now + most) end

local function text(value) return type(value) == 'string' and value or nil end

local function state_of(key)
  local kept = redis.pcall('GET', key)
  if type(kept) == 'table' then return nil end
  local ok, found = pcall(cjson.decode, kept or '{}')
  local s = ok and type(found) == 'table' and found or {}
  return {
    r = text(s.r), g = text(s.g), u = at(s.u, LEASE_MS), w = text(s.w), x = at(s.x, WAITER_MS),
    d = number(s.d, MOST_MS), n = at(s.n, MOST_MS), q = at(s.q, MOST_MS),
    b = at(s.b, MOST_OPEN_MS), f = number(s.f, FAILURES), t = number(s.t, 1e6), why = text(s.why),
  }
end

local function keep(key, s)
  local last = math.max(s.r and s.u + s.d or 0, s.x, s.n, s.q, s.b)
  if s.f > 0 then last = math.max(last, s.b + REMEMBER_MS, now + REMEMBER_MS) end
  if last <= now then return redis.call('DEL', key) end
  local kept = cjson.encode({
    r = s.r, g = s.r and s.g, u = s.r and s.u, w = s.x > now and s.w or nil, x = s.x > now and s.x or nil,
    d = s.d > 0 and s.d or nil, n = s.n > now and s.n or nil, q = s.q > now and s.q or nil,
    b = s.b > now and s.b or nil, f = s.f > 0 and s.f or nil, t = s.t > 0 and s.t or nil,
    why = s.f > 0 and s.why or nil,
  })
  redis.call('SET', key, kept, 'PX', last - now)
end

-- What the crawl has learnt since it told last: its times are counted from now.
local function learn(s, told)
  s.d = told.d or s.d
  s.n = math.max(s.n, now + math.min(told.n or 0, MOST_MS))
  s.q = math.max(s.q, now + math.min(told.q or 0, MOST_MS))
  if told.ok then s.f, s.t, s.why = 0, 0, nil end
  if (told.f or 0) == 0 then return end
  s.f, s.why = s.f + told.f, told.why
  if s.f >= FAILURES then
    s.f, s.t = FAILURES - 1, s.t + 1  -- when it is asked again, one more failure is enough
    s.b = now + math.min(MOST_OPEN_MS, OPEN_MS * 2 ^ math.min(s.t - 1, 10))
  end
end

-- Whether the host is this run's from now on. Of those that wait, the first is let in first.
local function take(s)
  local held = s.r and s.u > now
  if not (held and s.r == ask.run) then
    local other = held and s.g ~= ask.unit  -- what a unit held before its process died, its next run has at once
    local waits = s.w and s.w ~= ask.run and s.x > now
    if other or waits then
      if not waits then s.w, s.x = ask.run, now + WAITER_MS end
      return false
    end
    -- Not given back: it may have been asked as long as it was held.
    if s.r then s.n = math.max(s.n, math.min(s.u, now) + s.d) end
    s.w, s.x = nil, 0
  end
  s.r, s.g, s.u = ask.run, ask.unit, now + LEASE_MS
  return true
end

local has_blocks = redis.call('EXISTS', P .. 'blocks') == 1

-- The longest name on the block list that a host is of, and what stands there of it.
local function blocked(host)
  local name = has_blocks and host:gsub(':%d+$', '') or ''
  while name ~= '' do
    local why = redis.pcall('HGET', P .. 'blocks', name)
    if type(why) == 'table' then return nil end
    if why then return { name, why } end
    name = name:match('^[^.]*%.(.*)$') or ''
  end
end

local function robots_key(origin) return P .. 'robots:' .. ask.agent .. origin end

local function robots_of(origins)
  local found = {}
  for _, origin in ipairs(origins) do
    local ms, rules = (text(redis.pcall('GET', robots_key(origin))) or ''):match('^(%d+):(.*)$')
    if ms and tonumber(ms) <= now then table.insert(found, { origin, now - tonumber(ms), rules }) end
  end
  return found
end

local answers = {}
for i, host in ipairs(ask.hosts) do
  for origin, rules in pairs(host.robots or {}) do
    redis.pcall('SET', robots_key(origin), string.format('%d:', now) .. rules, 'PX', rules == '' and FRESH_MS or KEPT_MS)
  end
  local key = P .. 'host:' .. host.h
  local s = state_of(key)
  if not s then
    answers[i] = { damaged = key }
  else
    learn(s, host)
    local block = blocked(host.h)
    local mine = not (host.leave or block) and s.b <= now and take(s)
    if not mine and s.r == ask.run then s.r, s.u = nil, 0 end
    keep(key, s)
    answers[i] = {
      held = mine or nil, blocked = block, wait = mine and math.max(0, s.n - now) or nil,
      quiet = mine and math.max(0, s.q - now) or nil,
      open = s.b > now and s.b - now or nil, f = s.b > now and s.f + 1 or nil, why = s.b > now and s.why or nil,
      robots = mine and host.origins and #host.origins > 0 and robots_of(host.origins) or nil,
    }
  end
end
return cjson.encode(answers)
