using System.Globalization;
using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Definitions;

/// <summary>Collects every error of a definition, so that a user mends them in one go.</summary>
internal sealed class DefinitionErrors
{
    // A stranger's file may have a million; nobody reads more than these.
    private const int Shown = 100;

    private readonly List<(SourcePosition Position, string Message)> _errors = [];

    public int Count { get; private set; }

    public void Add(SourcePosition position, string message)
    {
        Count++;
        if (_errors.Count < Shown)
            _errors.Add((position, message));
    }

    /// <exception cref="DefinitionException">There are errors; the message has one line for each, in the order of the file.</exception>
    public void ThrowIfAny()
    {
        if (Count == 0)
            return;
        var message = new StringBuilder();
        foreach ((SourcePosition position, string text) in _errors.OrderBy(e => e.Position.Line == 0).ThenBy(e => e.Position.Line).ThenBy(e => e.Position.Column))
            message.Append(position).Append(": ").Append(text).Append('\n');
        if (Count > _errors.Count)
            message.Append(CultureInfo.InvariantCulture, $"and {Count - _errors.Count} more errors\n");
        message.Append(CultureInfo.InvariantCulture, $"{Count} error{(Count == 1 ? "" : "s")}; nothing was begun");
        throw new DefinitionException(message.ToString());
    }
}
