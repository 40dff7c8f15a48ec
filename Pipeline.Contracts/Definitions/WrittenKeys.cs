using System.ComponentModel.DataAnnotations;

namespace Pipeline.Contracts.Definitions;

/// <summary>
/// Which keys of a record a definition contains. Rules about the presence of a key need this, because a record cannot tell a value that was written
/// from its default.
/// </summary>
/// <param name="wrote">Whether the definition contains a key, given by its path from the record on.</param>
public sealed class WrittenKeys(Func<string, bool> wrote)
{
    private static readonly object Item = new();

    /// <summary>The context to validate a record with, so that its rules can call <see cref="Has(ValidationContext, string)"/>.</summary>
    public ValidationContext ContextOf(object record) => new(record, new Dictionary<object, object?> { [Item] = this });

    /// <summary>Whether the definition contains a key, such as <c>lora.rank</c>. False if the record does not come from a definition.</summary>
    public static bool Has(ValidationContext context, string path)
        => context.Items.TryGetValue(Item, out object? keys) && ((WrittenKeys)keys!).Has(path);

    private bool Has(string path) => wrote(path);
}
