-- Units: how each is handed out, ends and leads to the next.

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
