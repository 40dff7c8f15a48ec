namespace Pipeline.Stages.Imports;

/// <summary>
/// The reasons for which <c>import-scores</c> rejects a row, besides those of all sources. They are fixed phrases, by which rejects are counted.
/// </summary>
internal static class ImportRejects
{
    public const string NotAList = "a field of the tokens is not a list";
    public const string Lengths = "the fields of the tokens have different lengths";
    public const string NoTokens = "there are no tokens";
    public const string NoId = "a token's id is not a whole number";
    public const string UnknownId = "an id is not in the teacher's tokenizer";
    public const string NoBytes = "a token's bytes are neither text nor numbers from 0 to 255";
    public const string Disagree = "a token's id and bytes disagree";
    public const string Spelling = "the tokens do not spell the text";
    public const string NotNormal = "text is not well-formed and NFC";
    public const string NoLogProbability = "a number is not a log-probability";
    public const string Bounds = "a lower bound is above its upper bound";
    public const string TooLong = "longer than the limit";
    public const string Changed = "the student's chat template changes the answer";
}
