using System.CommandLine;

namespace Pipeline.Host.Commands;

/// <summary>The option that refuses texts which are longer than a model was made for.</summary>
internal sealed class StrictPositionsInput
{
    private readonly Option<bool> _strict = new("--strict-positions")
    {
        Description = "Refuse texts longer than a model was made for (max_position_embeddings). Otherwise they are computed with a warning.",
    };

    public void AddTo(Command command) => command.Options.Add(_strict);

    public bool Read(ParseResult parsed) => parsed.GetValue(_strict);
}
