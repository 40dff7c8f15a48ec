namespace Pipeline.Stages.Objectives;

/// <summary>The sizes of both models. The width is the hidden size, and a model of depth L has hidden states 0..L.</summary>
internal sealed record ModelShapes(int StudentDepth, int StudentWidth, int TeacherDepth, int TeacherWidth);
