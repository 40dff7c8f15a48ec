using System.Globalization;
using System.Text;
using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Definitions;

/// <summary>Collects everything that is wrong with a definition, so that a user can mend it in one go.</summary>
internal sealed class DefinitionErrors
{
    // An untrusted file may have a million errors. Nobody reads more than these.
    private const int Shown = 100;

    private readonly List<(SourcePosition Position, string Message)> _errors = [];
    private readonly List<(SourcePosition Position, string Message)> _warnings = [];
    private bool _isInputAlone = true;
    private int _total;

    public DefinitionErrors()
    {
    }

    /// <summary>Begins with a copy of what was collected before.</summary>
    public DefinitionErrors(DefinitionErrors before)
    {
        _errors = [.. before._errors];
        _warnings = [.. before._warnings];
        (_total, Count, _isInputAlone) = (before._total, before.Count, before._isInputAlone);
    }

    /// <summary>How many values could not be read. If there are any, the bound definition means nothing. Broken rules are not counted.</summary>
    public int Count { get; private set; }

    /// <summary>What a person should look at, although it is no reason to refuse the definition. Each has its place. They are in the order of the file.</summary>
    public IReadOnlyList<string> Warnings => [.. InOrder(_warnings).Select(w => $"{w.Position}: warning: {w.Message}")];

    /// <summary>Adds a value that cannot be read.</summary>
    public void Add(SourcePosition position, string message)
    {
        Count++;
        AddRule(position, message);
    }

    /// <summary>Adds a value that can be read, but that a rule refuses. The rest of the definition can still be checked.</summary>
    /// <param name="position">Where it was written.</param>
    /// <param name="message">What is wrong with it.</param>
    /// <param name="isInput">Whether the fault is in a file that the definition names, and not in the definition itself.</param>
    public void AddRule(SourcePosition position, string message, bool isInput = false)
    {
        _isInputAlone &= isInput;
        if (_errors.Contains((position, message)))
            return;
        _total++;
        if (_errors.Count < Shown)
            _errors.Add((position, message));
    }

    /// <summary>Whether this place already has an error, so that its consequences need not be reported.</summary>
    public bool IsFaulty(SourcePosition position) => _errors.Exists(e => e.Position == position);

    public void Warn(SourcePosition position, string message)
    {
        if (_warnings.Count < Shown && !_warnings.Contains((position, message)))
            _warnings.Add((position, message));
    }

    /// <summary>Throws if anything is wrong.</summary>
    /// <exception cref="DefinitionException">There are errors. The message has one line for each, in the order of the file.</exception>
    /// <exception cref="InputException">There are errors, and all are in files that the definition names.</exception>
    public void ThrowIfAny()
    {
        if (_total == 0)
            return;
        var message = new StringBuilder();
        foreach ((SourcePosition position, string text) in InOrder(_errors))
            message.Append(position).Append(": ").Append(text).Append('\n');
        if (_total > _errors.Count)
            message.Append(CultureInfo.InvariantCulture, $"and {_total - _errors.Count} more errors\n");
        foreach (string warning in Warnings)
            message.Append(warning).Append('\n');
        message.Append(CultureInfo.InvariantCulture, $"{_total} error{(_total == 1 ? "" : "s")}; nothing was started");
        throw _isInputAlone ? new InputException(message.ToString()) : new DefinitionException(message.ToString());
    }

    private static IEnumerable<(SourcePosition Position, string Message)> InOrder(IEnumerable<(SourcePosition Position, string Message)> found)
        => found.OrderBy(e => e.Position.Line == 0).ThenBy(e => e.Position.Line).ThenBy(e => e.Position.Column);
}
