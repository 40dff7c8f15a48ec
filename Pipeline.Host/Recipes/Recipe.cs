using Pipeline.Contracts.Errors;

namespace Pipeline.Host.Recipes;

/// <summary>What somebody wants a definition for (<c>alm new</c>).</summary>
/// <param name="Kind">The kind of recipe.</param>
/// <param name="Models">The models. The first is the teacher, if one is trained.</param>
/// <param name="Student">The smaller model, for the recipe large-to-small. Otherwise null.</param>
/// <param name="Tokenizer">The new tokenizer: a folder, a tokenizer.json, or <c>bytes</c>. Null if the recipe needs none.</param>
/// <param name="Texts">The texts to learn from, or to judge on if nothing is trained.</param>
/// <param name="HeldOut">The texts to judge on. Null stands for the first rows of <paramref name="Texts"/>, which are then not learned from.</param>
/// <param name="Machine">What there is to compute with.</param>
/// <param name="File">The path of the definition, for the commands in its first lines.</param>
internal sealed record Recipe(
    RecipeKind Kind, IReadOnlyList<RecipeModel> Models, RecipeModel? Student, string? Tokenizer, RecipeTexts Texts, RecipeTexts? HeldOut, RecipeMachine Machine, string File)
{
    private const int MostJudged = 300;

    /// <summary>The name of the run.</summary>
    public string Name => $"{Kind.Name}-{string.Concat((Student ?? Models[0]).Name.Select(c => char.IsAsciiLetterOrDigit(c) ? char.ToLowerInvariant(c) : '-'))}";

    /// <summary>How many rows to judge on. If a training has no held-out texts, it is a twentieth of its texts. There is an upper limit in any case.</summary>
    public long Judged => Math.Clamp(HeldOut is { } texts ? texts.Rows : Kind.Trains ? Texts.Rows / 20 : Texts.Rows, 1, MostJudged);

    /// <summary>The stage that reads the texts to judge on, as it is written in a definition.</summary>
    public string ReadJudged => (HeldOut ?? Texts).Read(0, Judged);

    /// <summary>The comment at the top of the file.</summary>
    public string Head(string what) => RecipeText.Comment(0, $"{what} Written by alm new {Kind.Name} for this machine: {Machine.Words}.")
        + $"//   alm check {File}     what it will cost\n//   alm run   {File}     do it; run it again to continue after any interruption\n";
}

/// <summary>A kind of recipe.</summary>
/// <param name="Name">Its name on the command line.</param>
/// <param name="Words">What it is for.</param>
/// <param name="NeedsTokenizer">Whether a new tokenizer has to be named.</param>
/// <param name="NeedsStudent">Whether a second, smaller model has to be named, which is trained.</param>
/// <param name="Trains">Whether anything is trained.</param>
/// <param name="LeastModels">How many models have to be named at least. If it is 1, exactly one has to be.</param>
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

    /// <summary>Checks what was named on the command line.</summary>
    /// <exception cref="DefinitionException">Something that the recipe needs is missing, or something that it does not use was named.</exception>
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
