using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text;
using Pipeline.Contracts.Records;
using Pipeline.Contracts.Stages;

namespace Pipeline.Host.Tests.Extending;

internal sealed record KeepLongOptions
{
    [Description("Texts of fewer bytes are rejected.")]
    [Range(0, int.MaxValue)]
    public int MinBytes { get; init; } = 100;
}

/// <summary>Lets long texts through and rejects the others, each by name.</summary>
internal sealed class KeepLongMap(KeepLongOptions options) : IMap<TextDocument, TextDocument>
{
    public static StageRegistration Registration { get; } = StageRegistration.Map<KeepLongOptions, TextDocument, TextDocument, KeepLongMap>(
        "keep-long", "Rejects short texts.", static (options, _) => new KeepLongMap(options));

    public IReadOnlyList<TextDocument> Map(TextDocument input)
    {
        int bytes = Encoding.UTF8.GetByteCount(input.Text);
        return bytes >= options.MinBytes ? [input] : throw new RejectedException(input.Id, "short", $"{bytes} bytes, expected at least {options.MinBytes}");
    }
}
