using System.ComponentModel.DataAnnotations;

namespace Pipeline.Contracts.Definitions;

/// <summary>
/// Which keys of a record a definition has written, for rules about a key's presence: the record alone cannot tell a value that was
/// written from its default.
/// </summary>
/// <param name="wrote">Whether a key path, starting at the record, was written.</param>
public sealed class WrittenKeys(Func<string, bool> wrote)
{
    private static readonly object Item = new();

    /// <summary>What a record's rules are told besides the record.</summary>
    public ValidationContext ContextOf(object record) => new(record, new Dictionary<object, object?> { [Item] = this });

    /// <summary>Whether a definition wrote a key path, such as <c>lora.rank</c>; false if the record does not come from a definition.</summary>
    public static bool Has(ValidationContext context, string path)
        => context.Items.TryGetValue(Item, out object? keys) && ((WrittenKeys)keys!).Has(path);

    private bool Has(string path) => wrote(path);
}
