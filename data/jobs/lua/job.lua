-- The job's own state: its status, its end, how much of it is done.

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
