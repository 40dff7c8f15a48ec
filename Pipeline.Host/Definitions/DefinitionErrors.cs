using System.Globalization;
using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Definitions;

/// <summary>Collects everything wrong with a definition, so that a user mends it in one go.</summary>
internal sealed class DefinitionErrors
{
    // An untrusted file may have a million; nobody reads more than these.
    private const int Shown = 100;

    private readonly List<(SourcePosition Position, string Message)> _errors = [];
    private readonly List<(SourcePosition Position, string Message)> _warnings = [];
    private bool _isInputAlone = true;
    private int _all;

    public DefinitionErrors()
    {
    }

    /// <summary>What was collected so far, to continue from.</summary>
    public DefinitionErrors(DefinitionErrors before)
    {
        _errors = [.. before._errors];
        _warnings = [.. before._warnings];
        (_all, Count, _isInputAlone) = (before._all, before.Count, before._isInputAlone);
    }

    /// <summary>Errors that kept a value from being read; what was bound means nothing then. Broken rules are not among them.</summary>
    public int Count { get; private set; }

    /// <summary>What is worth a person's eye and no reason to refuse, each with its place, in the order of the file.</summary>
    public IReadOnlyList<string> Warnings => [.. InOrder(_warnings).Select(w => $"{w.Position}: warning: {w.Message}")];

    /// <summary>A value that cannot be read.</summary>
    public void Add(SourcePosition position, string message)
    {
        Count++;
        AddRule(position, message);
    }

    /// <summary>A value that can be read and that a rule refuses: the rest of the definition can still be checked.</summary>
    /// <param name="position">Where.</param>
    /// <param name="message">What.</param>
    /// <param name="isInput">Whether it is a fault of a file that is named, and the definition itself is in order.</param>
    public void AddRule(SourcePosition position, string message, bool isInput = false)
    {
        _isInputAlone &= isInput;
        if (_errors.Contains((position, message)))
            return;
        _all++;
        if (_errors.Count < Shown)
            _errors.Add((position, message));
    }

    /// <summary>Whether something is wrong with a place already, so that what follows from it need not be said.</summary>
    public bool IsFaulty(SourcePosition position) => _errors.Exists(e => e.Position == position);

    public void Warn(SourcePosition position, string message)
    {
        if (_warnings.Count < Shown && !_warnings.Contains((position, message)))
            _warnings.Add((position, message));
    }

    /// <exception cref="DefinitionException">There are errors; the message has one line for each, in the order of the file.</exception>
    /// <exception cref="InputException">All errors are of files that the definition names.</exception>
    public void ThrowIfAny()
    {
        if (_all == 0)
            return;
        var message = new StringBuilder();
        foreach ((SourcePosition position, string text) in InOrder(_errors))
            message.Append(position).Append(": ").Append(text).Append('\n');
        if (_all > _errors.Count)
            message.Append(CultureInfo.InvariantCulture, $"and {_all - _errors.Count} more errors\n");
        foreach (string warning in Warnings)
            message.Append(warning).Append('\n');
        message.Append(CultureInfo.InvariantCulture, $"{_all} error{(_all == 1 ? "" : "s")}; nothing was started");
        throw _isInputAlone ? new InputException(message.ToString()) : new DefinitionException(message.ToString());
    }

    private static IEnumerable<(SourcePosition Position, string Message)> InOrder(IEnumerable<(SourcePosition Position, string Message)> found)
        => found.OrderBy(e => e.Position.Line == 0).ThenBy(e => e.Position.Line).ThenBy(e => e.Position.Column);
}
