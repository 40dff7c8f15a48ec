using System.Globalization;
using Microsoft.Extensions.Logging;
using Pipeline.Host.Progress;

namespace Pipeline.Host.Hosting;

/// <summary>Writes log lines through the progress display, which knows whether a live table is in the way.</summary>
internal sealed class DisplayLoggerProvider(IProgressDisplay display, TimeProvider time) : ILoggerProvider
{
    public ILogger CreateLogger(string categoryName) => new DisplayLogger(display, time);

    public void Dispose()
    {
    }

    private sealed class DisplayLogger(IProgressDisplay display, TimeProvider time) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (!IsEnabled(logLevel))
                return;
            string mark = logLevel >= LogLevel.Warning ? "! " : "";
            display.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{time.GetLocalNow():HH:mm:ss} {mark}{formatter(state, exception)}"));
        }
    }
}
