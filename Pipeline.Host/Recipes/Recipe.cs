using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Recipes;

/// <summary>What a person wants a definition for.</summary>
/// <param name="Kind">The word on the command line.</param>
/// <param name="Models">Folders, as given.</param>
/// <param name="Student">Of large to small: the small one's folder.</param>
/// <param name="Tokenizer">The one to move to: a folder, a tokenizer.json, or bytes.</param>
/// <param name="Texts">To learn from; to judge on where nothing learns.</param>
/// <param name="HeldOut">To judge on; null: the first rows of the texts, which nothing learns from then.</param>
/// <param name="Machine">What there is to compute with.</param>
/// <param name="File">Where the definition goes, for the commands in its first lines.</param>
internal sealed record Recipe(
    RecipeKind Kind, IReadOnlyList<RecipeModel> Models, RecipeModel? Student, string? Tokenizer, RecipeTexts Texts, RecipeTexts? HeldOut, RecipeMachine Machine, string File)
{
    private const int MostJudged = 300;

    /// <summary>Names the run.</summary>
    public string Name => $"{Kind.Name}-{string.Concat((Student ?? Models[0]).Name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-'))}";

    /// <summary>Rows to judge on; where nothing else is given for that, a twentieth of the text is left for it.</summary>
    public long Judged => Math.Clamp(HeldOut is { } texts ? texts.Rows : Kind.Trains ? Texts.Rows / 20 : Texts.Rows, 1, MostJudged);

    /// <summary>The stage that reads what is judged.</summary>
    public string ReadJudged => (HeldOut ?? Texts).Read(0, Judged);

    /// <summary>The first lines of the file.</summary>
    public string Head(string what) => RecipeText.Comment(0, $"{what} Written by alm new {Kind.Name} for this machine: {Machine.Words}.")
        + $"//   alm check {File}     what it will cost\n//   alm run   {File}     do it; run it again to continue after any interruption\n";
}

/// <param name="Name">The word on the command line.</param>
/// <param name="Words">What it is for.</param>
/// <param name="NeedsTokenizer">Whether a tokenizer is named.</param>
/// <param name="NeedsStudent">Whether a second model is trained.</param>
/// <param name="Trains">Whether anything learns.</param>
/// <param name="LeastModels">How many models are named, at least; where it is one, exactly one is.</param>
internal sealed record RecipeKind(string Name, string Words, bool NeedsTokenizer = false, bool NeedsStudent = false, bool Trains = true, int LeastModels = 1)
{
    public static IReadOnlyList<RecipeKind> All { get; } =
    [
        new("bytes", "the model reads and writes bytes instead of tokens"),
        new("tokenizer", "the model gets another tokenizer (--tokenizer)", NeedsTokenizer: true),
        new("large-to-small", "the model teaches a smaller one with any tokenizer (--student)", NeedsStudent: true),
        new("ensemble", "several models answer as one (--model, twice or more)", Trains: false, LeastModels: 2),
        new("zero-shot", "the model gets another tokenizer without training (--tokenizer)", NeedsTokenizer: true, Trains: false),
    ];

    /// <exception cref="DefinitionException">Something that the recipe needs is missing, or something that it does not use is given.</exception>
    public void Require(int models, string? student, string? tokenizer)
    {
        if (LeastModels == 1 ? models != 1 : models < LeastModels)
            throw new DefinitionException($"alm new {Name}: found {models} --model, expected {(LeastModels == 1 ? "one" : "two or more")}");
        if (NeedsTokenizer != tokenizer is not null)
            throw new DefinitionException($"alm new {Name}: {(NeedsTokenizer ? "give --tokenizer, a folder, a tokenizer.json or bytes" : "--tokenizer is not used here; leave it out")}");
        if (NeedsStudent != student is not null)
            throw new DefinitionException($"alm new {Name}: {(NeedsStudent ? "give --student, the folder of the smaller model" : "--student is not used here; leave it out")}");
    }
}
