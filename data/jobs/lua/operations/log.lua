-- Adds lines (`{level, JSON}`) to a job's own log. One that cleanup has taken out of Redis has none any more.
local function operation()
  local job = find(args.job)
  if not job then return { no = 'gone' } end
  local key = scope .. 'log:' .. job.id
  for _, line in ipairs(args.lines) do
    write('stream', key, 'XADD', 'MAXLEN', '~', LINES_KEPT, '*', 't', line[1], 'd', line[2])
  end
  write('stream', key, 'EXPIRE', LINES_KEPT_S)
  return { ok = true }
end
