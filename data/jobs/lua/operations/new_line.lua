-- The first connection to a server on another line of writes than the records: it became the primary, maybe from a state
-- before what was written last, or was started again. What is handed out or runs is handed out anew by the next claims,
-- each a decision of its own (data/jobs/timeline.py).

local function hand_anew(member)
  local id, name = member:match('^([^|]+)|(.+)$')
  local job = name ~= '~' and name ~= IN_LINE and find(id)
  local unit = job and not TERMINAL[job.status] and get_unit(name)
  if not unit or not BUSY[unit[STATUS]] then return decide_anew() end
  unit[EPOCH], unit[OWNER] = math.max(unit[EPOCH], args.base) + 1, nil
  move(job, name, unit, WAITING)
  due(name, now)
  put_unit(name, unit)
  write_down()
  return true
end

local function operation()
  local ok, known = pcall(dec, read('string', 'GET', 'timeline') or '')
  known = ok and type(known) == 'table' and known or nil
  if known and known.line == args.line then return { ok = true } end
  -- Of the first line nothing can have been lost.
  args.base = known and math.max(now, num(known.base) + 1) or 0
  local units = 0
  for _, member in ipairs(known and call('ZRANGE', P .. 'due', 0, -1) or {}) do
    local done, moved_on = pcall(hand_anew, member)
    if not done then decide_anew() end -- damaged: the claims tell
    if done and moved_on then units = units + 1 end
  end
  of_project(nil)
  local was = known and known.line or ''
  write('string', 'timeline', 'SET', enc({ line = args.line, base = args.base, at = now, was = was, units = units }))
  if known then
    write('string', 'generation', 'SET', args.line) -- whoever claims next looks for jobs that this server never knew
    critical('failed_over', { line = args.line, was = was, units = units })
    notice('store.failed_over', { units = units }, { 'store.failed_over' })
  end
  return { ok = true }
end
